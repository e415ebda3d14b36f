"""A deployment together with the servers that it runs on."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.brokers import BrokerBehindProxy
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import NO_SETTINGS, Deployment
from tests.services import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a test may break: the deployment's processes, its database and its broker."""

    deployment: Deployment
    database: PostgresDatabase
    broker: BrokerBehindProxy


@contextmanager
def open_site(service: Service, folder: Path, settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[Site]:
    """Open a deployment on PostgreSQL and the broker ``service``, with ``settings``; leave nothing behind."""
    database = PostgresDatabase()
    broker = BrokerBehindProxy(service.url, queue=f"kneo_acc_{uuid.uuid4().hex[:12]}")
    deployment = Deployment(
        folder, database_url=database.url, broker_url=broker.url, queue=broker.queue, settings=settings
    )
    try:
        deployment.open()
        yield Site(deployment=deployment, database=database, broker=broker)
    finally:
        deployment.close()
        broker.close()
        database.drop()
