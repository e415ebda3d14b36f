"""The servers some rings of tests need: where they are, and whether they answer."""

import functools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis
from amqp.exceptions import AMQPError
from kombu import Connection

IN_CI = os.environ.get("CI", "").lower() == "true"
PROBE_SECONDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A server: the marker of the tests that need it, where it may be, and a probe that raises unless it answers."""

    marker: str
    title: str
    variable: str
    candidates: tuple[str, ...]
    probe: Callable[[str], None]

    @property
    def url(self) -> str:
        """Return the address that answers, or else the first one to try."""
        return _reachable(self) or self._addresses()[0]

    @property
    def missing(self) -> str | None:
        """Return why the tests that need this server cannot run; ``None`` when they can."""
        if _reachable(self):
            return None
        place = urlsplit(self._addresses()[0])
        return f"ring {self.marker}: no {self.title} at {place.hostname}:{place.port} (set {self.variable})"

    def answers_at(self, url: str) -> bool:
        """Whether there is one at ``url``, and can be talked to."""
        try:
            self.probe(url)
        except (psycopg.Error, redis.RedisError, AMQPError, OSError):
            return False
        return True

    def _addresses(self) -> tuple[str, ...]:
        given = os.environ.get(self.variable)
        return (given,) if given else self.candidates


@functools.cache
def _reachable(service: Service) -> str | None:
    return next(filter(service.answers_at, service._addresses()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Programs that the tests with a marker start themselves."""

    marker: str
    programs: tuple[str, ...]

    @property
    def missing(self) -> str | None:
        """Return why these tests cannot run; ``None`` when they can."""
        absent = [name for name in self.programs if _found(name) is None]
        return f"ring {self.marker}: not installed: {', '.join(absent)}" if absent else None


def program(name: str) -> str:
    """Return where the program is that a test is to start."""
    found = _found(name)
    assert found is not None, f"{name} is not installed"
    return found


def _found(name: str) -> str | None:
    """Return where ``name`` is: some packages keep on no path what one does not start by hand."""
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    places = [*map(str, newest_first), "/usr/lib/rabbitmq/bin", os.environ.get("PATH", os.defpath)]
    return shutil.which(name, path=os.pathsep.join(places))


def _version(place: Path) -> float:
    return float(place.parent.name)


def _probe_postgres(url: str) -> None:
    psycopg.connect(url, connect_timeout=PROBE_SECONDS).close()


def _probe_rabbitmq(url: str) -> None:
    with Connection(url, connect_timeout=PROBE_SECONDS) as connection:
        connection.connect()


def _probe_redis(url: str) -> None:
    with redis.Redis.from_url(url, socket_connect_timeout=PROBE_SECONDS, socket_timeout=PROBE_SECONDS) as client:
        client.ping()


POSTGRES = Service(
    marker="postgres",
    title="PostgreSQL",
    variable="KNEO_TEST_POSTGRES_URL",
    candidates=("postgresql://postgres@127.0.0.1:5432/postgres", "postgresql://root@127.0.0.1:5432/postgres"),
    probe=_probe_postgres,
)
RABBITMQ = Service(
    marker="rabbitmq",
    title="RabbitMQ",
    variable="KNEO_TEST_RABBITMQ_URL",
    candidates=("amqp://guest:guest@127.0.0.1:5672//",),
    probe=_probe_rabbitmq,
)
REDIS = Service(
    marker="redis",
    title="Redis",
    variable="KNEO_TEST_REDIS_URL",
    candidates=("redis://127.0.0.1:6379/15",),
    probe=_probe_redis,
)
OWN_SERVERS = Installed(marker="own_servers", programs=("initdb", "postgres", "rabbitmq-server", "epmd", "unshare"))
SERVICES = (POSTGRES, RABBITMQ, REDIS, OWN_SERVERS)
