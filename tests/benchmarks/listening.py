"""What listeners to live events cost while nothing happens, and how soon they hear of what does."""

import resource
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from tests import services
from tests.acceptance.processes import Process
from tests.benchmarks.audience import Audience
from tests.benchmarks.batches import STEPS, new_name
from tests.benchmarks.bench import Bench, BenchmarkFailed, open_bench
from tests.benchmarks.clients import connected, order_of
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.memory import resident_bytes

MIB = 1024 * 1024
MILLISECONDS = 1000
FEW_PART = 10
OTHER_FILES = 200
LOOK_EVERY_SECONDS = 0.05
# A session tells what it did a second after it at the earliest, and an idle one within ten.
SETTLING_SECONDS = 12
# The one reader of the process looks every five seconds, which is two transactions as its connection is checked first.
# The rest is what two measurements differ by; a query of each listener in every minute would be 17 a second.
MOST_MORE_TRANSACTIONS = 1.0
TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s"
LAST_EVENT = "run_completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """How many listen at most, how long nothing happens, and how many runs they then hear of, one at a time."""

    listeners: int
    idle_seconds: int
    runs: int


MUCH = Attention(listeners=1000, idle_seconds=30, runs=5)
LITTLE = Attention(listeners=200, idle_seconds=5, runs=2)


def live_events(attention: Attention) -> Iterator[Figure]:
    """Yield every figure about listeners, measured on a deployment of their own."""
    attention = replace(attention, listeners=min(attention.listeners, _files_allowed() - OTHER_FILES))
    with tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder, open_bench(Path(folder)) as bench:
        bench.deployment.scale(1)
        with _server(bench) as (process, port), Audience.of(port) as audience:
            yield from _measure(bench, process, audience, attention)


def _files_allowed() -> int:
    """Return how many files a process may open, after raising it as far as that goes; each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def _measure(bench: Bench, process: Process, audience: Audience, attention: Attention) -> Iterator[Figure]:
    many, few = attention.listeners, attention.listeners // FEW_PART
    audience.grow(1)
    _delays(bench, audience, runs=1)  # everything is loaded and connected once
    audience.leave()
    memory = [resident_bytes(process)]
    idle = [_transactions_per_second(bench, attention.idle_seconds)]
    audience.grow(few)
    of_few = _delays(bench, audience, attention.runs)
    audience.grow(many)
    idle.append(_transactions_per_second(bench, attention.idle_seconds))
    of_many = _delays(bench, audience, attention.runs)
    memory.append(resident_bytes(process))
    yield from _costs(memory, idle, many)
    yield from _heard(of_few, few, attention.runs)
    yield from _heard(of_many, many, attention.runs)


def _costs(memory: Sequence[int | None], idle: Sequence[float], many: int) -> Iterator[Figure]:
    before, after = memory
    if before and after:
        yield Figure.of("memory, events, no listener", "MiB", [before / MIB])
        each = (after - before) / many / 1024
        note = f"{each:.0f} KiB for each, after they have heard of some runs"
        yield Figure.of(f"memory, events, {many:,}", "MiB", [after / MIB], target=at_most(200), note=note)
    yield Figure.of("idle transactions, no listener", "/s", [idle[0]], note="of the whole deployment, as are the next")
    yield Figure.of(f"idle transactions, {many:,}", "/s", [idle[1]])
    more = idle[1] - idle[0]
    yield Figure.of("idle transactions, more", "/s", [more], target=at_most(MOST_MORE_TRANSACTIONS))


def _heard(delays: Sequence[float], listeners: int, runs: int) -> Iterator[Figure]:
    note = f"from created_at of a checkpoint to arrival, every event of {runs} runs at every listener"
    p95 = statistics.quantiles(delays, n=20, method="inclusive")[-1]
    low, high = min(delays), max(delays)
    yield Figure.of(f"event heard by {listeners:,}, p50", "ms", delays, note=note)
    yield Figure(name=f"event heard by {listeners:,}, p95", unit="ms", value=p95, low=low, high=high)


@contextmanager
def _server(bench: Bench) -> Iterator[tuple[Process, int]]:
    """Start the server for event streams; yield it and its port once it answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        process = bench.deployment.serve_events(listener)
        yield process, listener.getsockname()[1]


def _transactions_per_second(bench: Bench, seconds: int) -> float:
    """Return what the sessions of the deployment do while nothing happens; seen from another database."""
    with psycopg.connect(services.POSTGRES.url, autocommit=True) as connection:

        def count() -> int:
            row = connection.execute(TRANSACTIONS, (bench.connection.info.dbname,)).fetchone()
            if row is None:
                raise BenchmarkFailed("The server does not count the transactions of this database.")
            return int(row[0])

        time.sleep(SETTLING_SECONDS)
        before, began = count(), time.monotonic()
        time.sleep(seconds)
        return (count() - before) / (time.monotonic() - began)


def _delays(bench: Bench, audience: Audience, runs: int) -> list[float]:
    """Return the milliseconds after which events reach listeners: ``runs`` runs, each after all heard the last."""
    delays: list[float] = []
    for _ in range(runs):
        audience.forget()
        with connected(bench) as client:  # the server closes one that is not used for a while
            client.create(order_of(new_name(), steps=STEPS))
        # Looking costs what the listeners' thread needs, so that it is not done often.
        bench.wait_for(lambda: audience.has_heard(LAST_EVENT), every=LOOK_EVERY_SECONDS)
        heard = audience.heard()
        if len({tuple(each.type for each in events) for events in heard}) != 1:
            raise BenchmarkFailed("The listeners did not all hear the same.")
        delays += [each.delay_seconds * MILLISECONDS for events in heard for each in events]
    return delays
