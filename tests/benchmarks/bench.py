"""A deployment to measure: the shipped settings, real processes, RabbitMQ without anything in between."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests import services
from tests.acceptance.brokers import Broker
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import NO_SETTINGS, Deployment
from tests.benchmarks.specs import FUNCTION_MODULES

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 120
SETTINGS = {
    "KNEO_SERV_FUNCTION_MODULES": FUNCTION_MODULES,
    # The acceptance ring has its own; here the shipped defaults are measured.
    "KNEO_SERV_DATABASE_POOL_SIZE": "",
    "KNEO_SERV_WORKER_LEASE_SECONDS": "",
    "KNEO_SERV_QUEUE_MAX_ATTEMPTS": "",
}
UNFINISHED = "SELECT EXISTS (SELECT FROM runs_run WHERE status IN ('created', 'running'))"


class BenchmarkFailed(Exception):
    """Something went wrong while measuring, so that the figures would mean nothing."""


class Bench:
    """A deployment and a connection to its database."""

    def __init__(self, deployment: Deployment, database_url: str, connection: psycopg.Connection) -> None:
        self.deployment = deployment
        self.database_url = database_url
        self.connection = connection

    @property
    def folder(self) -> Path:
        """Return where the deployment keeps its files."""
        return self.deployment.folder

    def feed(self, order: bytes, *, count: int) -> None:
        """Create ``count`` runs as the JSON ``order`` says, and ring for them."""
        file = self.folder / f"{uuid.uuid4().hex}.order"
        file.write_bytes(order)
        self.deployment.run("-m", "tests.benchmarks.feeding", str(file), str(count))

    @contextmanager
    def paused_workers(self) -> Iterator[None]:
        """Let the workers do nothing while the block runs."""
        for worker in self.deployment.workers:
            worker.freeze()
        try:
            yield
        finally:
            for worker in self.deployment.workers:
                worker.thaw()

    def wait_until_rested(self) -> None:
        """Wait until every run has ended. Raises BenchmarkFailed."""
        self.wait_for(lambda: not self.one(UNFINISHED)[0], every=POLL_SECONDS)

    def wait_for(self, condition: Callable[[], bool], *, every: float) -> None:
        """Wait until ``condition`` holds, looking every so many seconds. Raises BenchmarkFailed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"The runs did not end within {PATIENCE_SECONDS} s.")
            time.sleep(every)

    def one(self, query: str, *parameters: object) -> tuple[Any, ...]:
        """Return the only row of ``query``."""
        row = self.connection.execute(query.encode(), parameters).fetchone()
        if row is None:
            raise BenchmarkFailed("A query of the benchmark found nothing.")
        return row


def new_queue() -> str:
    """Return the name of a queue that no other deployment has."""
    return f"kneo_bench_{uuid.uuid4().hex[:12]}"


@contextmanager
def open_bench(folder: Path, settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[Bench]:
    """Open a deployment on PostgreSQL and RabbitMQ, with ``settings`` of its own; leave nothing behind."""
    database = PostgresDatabase()
    broker = Broker(services.RABBITMQ.url, queue=new_queue())
    deployment = Deployment(
        folder,
        database_url=database.url,
        broker_url=services.RABBITMQ.url,
        queue=broker.queue,
        settings=SETTINGS | dict(settings),
    )
    try:
        deployment.open()
        with psycopg.connect(database.url, autocommit=True) as connection:
            yield Bench(deployment, database.url, connection)
    finally:
        deployment.close()
        broker.close()
        database.drop()
