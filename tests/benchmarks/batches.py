"""Batches of three-step runs: created beforehand and only driven, or created over HTTP while they are driven."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.benchmarks.bench import Bench, BenchmarkFailed
from tests.benchmarks.clients import connected, order_of

STEPS = 3
CLIENTS = 8
DRIVEN = """
SELECT count(*), extract(epoch FROM min(started_at))::float, extract(epoch FROM max(completed_at))::float
FROM runs_run WHERE workflow_name = %s AND status = 'completed' AND within_id IS NULL
"""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """Rates, per second, of a batch that came over HTTP: both clocks start with the first request."""

    created_per_second: float
    completed_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Driven:
    started_at: float
    completed_at: float


def new_name() -> str:
    """Return a name for a batch."""
    return f"batch-{next(_numbers)}"


def drive(bench: Bench, count: int) -> float:
    """Return how many runs a second the workers complete, of ``count`` that wait when they begin.

    The clock starts with the first claim and stops with the last completion, both as the runs' own rows say.
    """
    name = new_name()
    return count / seconds_to_drive(bench, name, order_of(name, steps=STEPS), count=count)


def seconds_to_drive(bench: Bench, name: str, order: bytes, *, count: int) -> float:
    """Return the seconds from the first claim to the last completion of ``count`` runs of the workflow ``name``."""
    with bench.paused_workers():
        bench.feed(order, count=count)
    driven = _rest(bench, name, count)
    return driven.completed_at - driven.started_at


def create_and_drive(bench: Bench, count: int) -> Created:
    """Create ``count`` runs by several clients that keep their connections, while the workers drive them."""
    name = new_name()
    order = order_of(name, steps=STEPS)
    began = time.time()
    with ThreadPoolExecutor(CLIENTS) as threads:
        shares = [count // CLIENTS + (client < count % CLIENTS) for client in range(CLIENTS)]
        list(threads.map(lambda share: _post(bench, order, share), shares))
    created_seconds = time.time() - began
    driven = _rest(bench, name, count)
    return Created(
        created_per_second=count / created_seconds,
        completed_per_second=count / (driven.completed_at - began),
    )


def _post(bench: Bench, order: bytes, times: int) -> None:
    with connected(bench) as client:
        for _ in range(times):
            client.create(order)


def _rest(bench: Bench, name: str, count: int) -> _Driven:
    bench.wait_until_rested()
    completed, started_at, completed_at = bench.one(DRIVEN, name)
    if completed != count:
        raise BenchmarkFailed(f"Only {completed:g} of {count} runs completed.")
    return _Driven(started_at=started_at, completed_at=completed_at)
