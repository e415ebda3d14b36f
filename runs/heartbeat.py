"""The process's sign of life: one thread renews its leases, notices lost ones, and hands over when told to stop."""

import contextlib
import logging
import os
import threading
import uuid
from collections.abc import Iterator, Mapping, Set

from django.conf import settings
from django.db import Error, connection

from runs import leases, transitions
from runs.agents.interrupt import Interrupt
from runs.leases import Lease
from runs.models import Run

logger = logging.getLogger(__name__)
BEAT_SECONDS = 1.0


class Hold:
    """A lease in use: what stops the step that runs under it."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._attempt = Interrupt()
        self._interrupt = Interrupt()
        self._interrupt.on_trip(self._stop_attempt)

    def begin_attempt(self) -> Interrupt:
        """Return the switch that stops the next attempt, already tripped if the lease is lost."""
        self._attempt = Interrupt()
        if self._interrupt.is_tripped:
            self._stop_attempt()
        return self._attempt

    def trip(self, reason: str) -> None:
        """Stop the attempt that is running, and every later one."""
        self._interrupt.trip(reason)

    def _stop_attempt(self) -> None:
        self._attempt.trip(self._interrupt.reason or "stopped")


class Heartbeat:
    """Keeps this process's leases alive for as long as it holds any, and for as long as it lives."""

    def __init__(self) -> None:
        self.owner_id = leases.new_owner_id()
        self._lock = threading.Lock()
        self._holds: set[Hold] = set()  # two of one run, while a thread leaves what another has taken since
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._strays: set[uuid.UUID] = set()

    @property
    def is_stopping(self) -> bool:
        """Whether the process was told to stop: no new step may begin."""
        return self._stopping.is_set()

    def ensure_alive(self) -> None:
        """Start beating, with the first beat done before anything is claimed."""
        with self._lock:
            if self._thread is None:
                leases.renew(self.owner_id)
                self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
                self._thread.start()

    @contextlib.contextmanager
    def holding(self, lease: Lease) -> Iterator[Hold]:
        """Watch over ``lease`` while the block runs."""
        hold = Hold(lease)
        with self._lock:
            self._holds.add(hold)
        try:
            yield hold
        finally:
            with self._lock:
                self._holds.remove(hold)

    def let_go(self) -> None:
        """Wait until this process, which advances nothing any more, could give back what it still holds."""
        while not self._stopping.wait(min(BEAT_SECONDS, settings.WORKER_LEASE_SECONDS / 3)):
            with contextlib.suppress(Error):
                if not Run.objects.leased_to(self.owner_id).exists():
                    return

    def stop(self, grace_seconds: float) -> None:
        """Begin no further step; interrupt those that are still running after ``grace_seconds``."""
        self._stopping.set()
        alarm = threading.Timer(grace_seconds, self._interrupt_all)
        alarm.daemon = True
        alarm.start()

    def end(self) -> None:
        """Beat no more, and say goodbye: whatever this process still holds may be taken over at once."""
        self._stopping.set()
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            leases.resign(self.owner_id)

    def beat(self) -> None:
        """Renew the leases once, trip the steps whose runs were taken away, and give strays back."""
        leases.renew(self.owner_id)
        with self._lock:
            holds = set(self._holds)
        fences = dict(Run.objects.leased_to(self.owner_id).values_list("pk", "fence"))
        lost = {hold for hold in holds if fences.get(hold.lease.run_id) != hold.lease.fence}
        for hold in lost:
            hold.trip("The run was cancelled, ended or taken over.")
        self._release_strays(fences, {hold.lease.run_id for hold in holds - lost})

    def _release_strays(self, fences: Mapping[uuid.UUID, int], held: Set[uuid.UUID]) -> None:
        """Give back runs that are leased to us and that no thread advances: a claim or a release whose answer was lost.

        Twice unheld in a row, because a claim is committed a moment before it is held.
        """
        for run_id in (fences.keys() - held) & self._strays:
            logger.warning("Giving back a run that nobody advances", extra={"run_id": str(run_id)})
            transitions.release(run_id, fences[run_id])
        self._strays = fences.keys() - held

    def _interrupt_all(self) -> None:
        with self._lock:
            holds = set(self._holds)
        for hold in holds:
            hold.trip("The worker is shutting down.")

    def _beat_on(self) -> None:
        while not self._ended.wait(min(BEAT_SECONDS, settings.WORKER_LEASE_SECONDS / 3)):
            try:
                self.beat()
            except Error:
                logger.warning("Heartbeat missed: database not reachable")
            except Exception:
                # Without a heartbeat all that this process does would be taken from it and done again.
                logger.exception("Heartbeat missed")
            finally:
                connection.close()


_current: Heartbeat | None = None
_current_lock = threading.Lock()


def of_this_process() -> Heartbeat:
    """Return this process's heartbeat, made when it is first asked for."""
    global _current  # noqa: PLW0603 - one heartbeat per process is the point
    with _current_lock:
        if _current is None:
            _current = Heartbeat()
        return _current


def _begin_anew() -> None:
    """Forget the heartbeat that a fork copied: its thread stayed behind, and its leases are the parent's."""
    global _current, _current_lock
    _current, _current_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)


def retire() -> None:
    """End this process's heartbeat, if it has one: it advances no run any more."""
    global _current
    with _current_lock:
        ending, _current = _current, None
    if ending is not None:
        ending.end()
