"""The brokers that this ring runs on, each behind a proxy that can be cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Exchange, Queue
from kombu.exceptions import ChannelError

from tests import services
from tests.acceptance.conditions import until
from tests.acceptance.proxy import Proxy

BROKERS = [
    pytest.param(services.RABBITMQ, id="rabbitmq", marks=[pytest.mark.postgres, pytest.mark.rabbitmq]),
    pytest.param(services.REDIS, id="redis", marks=[pytest.mark.postgres, pytest.mark.redis]),
]
# For what only the database decides.
ONE_BROKER = pytest.mark.parametrize("shared_site", BROKERS[:1], indirect=True, scope="session")


class Broker:
    """The queue of one deployment on the broker at ``url``."""

    def __init__(self, url: str, queue: str) -> None:
        self._direct_url = self.url = url
        self.queue = queue

    def ring(self, run_id: str, *, times: int) -> None:
        """Send the message that asks workers to look at the run, ``times`` times."""
        with Celery("bell", broker=self._direct_url, set_as_current=False) as app:
            app.conf.update(task_default_queue=self.queue, task_ignore_result=True)
            for _ in range(times):
                app.send_task("runs.advance_run", (run_id,))

    def waiting(self) -> int:
        """Return how many messages nobody has taken yet."""
        with self._open_channel() as channel:
            try:
                return int(channel.queue_declare(self.queue, passive=True).message_count)
            except ChannelError:  # on Redis, an empty queue is no queue
                return 0

    def wait_until_quiet(self, *, within: float) -> None:
        """Wait until the workers have taken every message."""
        until(lambda: self.waiting() == 0, within=within, what="the workers have taken every message")

    def purge(self) -> int:
        """Throw away every waiting message; return how many."""
        with self._open_channel() as channel:
            return int(channel.queue_purge(self.queue))

    def close(self) -> None:
        """Delete the queue and what leads to it."""
        with self._open_channel() as channel:
            queue = Queue(self.queue, Exchange(self.queue), self.queue, channel=channel)
            queue.declare()  # on Redis, only who declared a queue knows its bindings
            queue.delete()
            queue.exchange.delete()

    @contextmanager
    def _open_channel(self) -> Iterator[Any]:
        """Yield a channel; kombu's types know nothing of what all channels have in common."""
        with Connection(self._direct_url) as connection:
            yield connection.default_channel


class BrokerBehindProxy(Broker):
    """One that many deployments share, so that it is only cut off."""

    def __init__(self, url: str, queue: str) -> None:
        super().__init__(url, queue)
        self._proxy, self.url = Proxy.before(url)

    def cut(self) -> None:
        """Make the broker unreachable for the deployment, and break its connections."""
        self._proxy.cut()

    def heal(self) -> None:
        """Make the broker reachable again."""
        self._proxy.heal()

    def close(self) -> None:
        """Delete the queue and what leads to it, and stop the proxy."""
        self._proxy.close()
        super().close()
