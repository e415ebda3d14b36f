"""A broker that needs no server: one folder per queue, one file per message, safe across threads and processes.

A message is written under a hidden name and renamed into place, so a reader never sees half of it. A reader reads the
file and unlinks it; the unlink that succeeds is the claim, so a message is delivered exactly once even to many readers.
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from time import sleep, time_ns
from typing import Any
from uuid import uuid4

from kombu import Connection
from kombu.exceptions import ChannelError
from kombu.transport import virtual
from kombu.utils.scheduling import FairCycle

SUFFIX = ".msg"
QUEUE_NAME = re.compile(r"\w[\w.@-]*")


class Channel(virtual.Channel):
    """Puts messages into the folder named by the transport option ``folder`` and takes them out, oldest first."""

    def __init__(self, connection: "Transport", **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        options: dict[str, Any] = connection.client.transport_options or {}
        self.root = Path(options["folder"])
        self.listed: defaultdict[str, deque[Path]] = defaultdict(deque)

    def _folder(self, queue: str) -> Path:
        if not QUEUE_NAME.fullmatch(queue):
            raise ChannelError(f"{queue!r} cannot be the name of a queue.")
        return self.root / queue

    def _waiting(self, queue: str) -> Iterator[Path]:
        try:
            yield from sorted(path for path in self._folder(queue).iterdir() if path.suffix == SUFFIX)
        except FileNotFoundError:
            return

    def _new_queue(self, queue: str, **_: Any) -> None:
        try:
            self._folder(queue).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ChannelError(f"The folder of the queue cannot be made: {error.strerror}.") from error

    def _put(self, queue: str, message: dict[str, Any], **_: Any) -> None:
        self._new_queue(queue)
        target = self._folder(queue) / f"{time_ns():020}-{uuid4().hex}{SUFFIX}"
        hidden = target.with_suffix(".new")
        try:
            hidden.write_text(json.dumps(message))
            hidden.rename(target)
        except OSError as error:
            hidden.unlink(missing_ok=True)
            raise ChannelError(f"The message could not be written: {error.strerror}.") from error

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        listed = self.listed[queue]
        if not listed:
            listed.extend(self._waiting(queue))
        while listed:
            path = listed.popleft()
            try:
                message: dict[str, Any] = json.loads(path.read_text())
                path.unlink()
            except FileNotFoundError:
                continue  # another reader was faster
            return message
        raise Empty

    def _size(self, queue: str) -> int:
        return sum(1 for _ in self._waiting(queue))

    def _purge(self, queue: str) -> int:
        paths = list(self._waiting(queue))
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)


class Transport(virtual.Transport):
    """The transport behind ``kneo-files://``."""

    Channel = Channel
    driver_type = "kneo-files"
    driver_name = "kneo-files"
    default_port = 0
    polling_interval = 0.02
    client: Connection
    cycle: FairCycle

    def drain_events(self, connection: object, timeout: float | None = None, **_: Any) -> None:
        """Deliver one message; with a ``timeout``, raise ``TimeoutError`` after one polling interval without any.

        The worker acknowledges between two calls and takes no messages while too many are unacknowledged: a long wait
        in here would hold back the next ones.
        """
        while True:
            try:
                self.cycle.get(self._deliver, timeout=timeout)
            except Empty:
                sleep(self.polling_interval)
            else:
                return
            if timeout is not None:
                raise TimeoutError

    @property
    def default_connection_params(self) -> dict[str, Any]:
        """Return no host to assume: there is none, and its absence is nothing to warn of."""
        return {"port": self.default_port}

    def driver_version(self) -> str:
        """Return nothing of interest: there is no server."""
        return "1"
