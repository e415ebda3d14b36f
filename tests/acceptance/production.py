"""The shape of a production: two of each program, as an operator starts them, behind a proxy that balances."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kneo_project.stack.private_stack import free_port
from kneo_project.stack.programs import Program
from tests.acceptance.api import Api
from tests.acceptance.brokers import Broker
from tests.acceptance.conditions import until
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import NO_SETTINGS, START_SECONDS, Deployment
from tests.acceptance.insisting import Insisting
from tests.acceptance.processes import Process
from tests.acceptance.proxy import Proxy
from tests.acceptance.servers import Server, own_postgres, own_rabbitmq

EACH = 2
KEY = "a-key-of-the-production-shape"
KNEO = str(Path(sys.executable).with_name("kneo"))


class Production(Deployment):
    """Two webs behind ``front``, two beats and two workers."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        broker_url: str,
        queue: str,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        settings = {"KNEO_SERV_API_KEYS": f"ops:{KEY}:service", **settings}
        super().__init__(folder, database_url=database_url, broker_url=broker_url, queue=queue, settings=settings)
        self._ports = [free_port() for _ in range(EACH)]
        self.front = Proxy(*(("127.0.0.1", port) for port in self._ports))
        self.url = f"http://127.0.0.1:{self.front.port}"
        self.client = Insisting()
        self.api = Api(self.url, transport=self.client, key=KEY)
        self._closing.enter_context(self.api.http)

    def open(self) -> None:
        """Make the tables, start everything, and wait until all of it is at work."""
        self.run("manage.py", "migrate", "--verbosity", "0")
        for number, port in enumerate(self._ports):
            self.servants.append(self._start(_kneo("web", "--port", str(port)), name=f"web-{number}"))
            self.servants.append(self._start(_kneo("beat"), name=f"beat-{number}"))
        self.scale(EACH)
        for web in self.all_of("web"):
            until(lambda web=web: web.has_said("Listening at"), within=START_SECONDS, what=f"{web.name} listens")  # type: ignore[misc]
        until(self.api.is_up, within=START_SECONDS, what="the API answers")

    def close(self) -> None:
        """End every process and proxy."""
        super().close()
        self.front.close()

    def all_of(self, role: str) -> list[Process]:
        """Return the processes of one role: web, beat or worker."""
        return list(self.workers) if role == "worker" else [each for each in self.servants if each.program.name == role]

    def _start_worker(self) -> Process:
        return self._start(_kneo("worker"), name=f"worker-{len(self.processes)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """A production with servers of its own, all of which a test may break."""

    production: Production
    postgresql: Server
    database: PostgresDatabase
    rabbitmq: Server
    broker: Broker


@contextmanager
def open_premises(folder: Path, settings: Mapping[str, str]) -> Iterator[Premises]:
    """Open a production on a PostgreSQL and a RabbitMQ of its own; leave nothing behind."""
    with own_postgres() as postgresql, own_rabbitmq() as rabbitmq:
        database, broker = PostgresDatabase(postgresql.url), Broker(rabbitmq.url, queue="production")
        production = Production(
            folder, database_url=database.url, broker_url=broker.url, queue=broker.queue, settings=settings
        )
        try:
            production.open()
            yield Premises(
                production=production, postgresql=postgresql, database=database, rabbitmq=rabbitmq, broker=broker
            )
        finally:
            production.close()


def _kneo(*words: str) -> Program:
    return Program(name=words[0], command=(KNEO, *words))
