"""The servers some rings of tests need: where they are, and whether they answer."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import redis
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

    def _addresses(self) -> tuple[str, ...]:
        given = os.environ.get(self.variable)
        return (given,) if given else self.candidates


@functools.cache
def _reachable(service: Service) -> str | None:
    for url in service._addresses():
        try:
            service.probe(url)
        except (psycopg.Error, redis.RedisError, OSError):
            continue
        return url
    return None


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
SERVICES = (POSTGRES, RABBITMQ, REDIS)
