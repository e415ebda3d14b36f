"""How long one run takes while nothing else is going on, by the clock of its own rows."""

from collections import defaultdict

from tests.benchmarks.batches import STEPS, new_name
from tests.benchmarks.bench import Bench
from tests.benchmarks.clients import connected, order_of

LOOK_EVERY_SECONDS = 0.01
MILLISECONDS = 1000
IS_COMPLETED = "SELECT completed_at IS NOT NULL FROM runs_run WHERE id = %s"
LATENCIES = """
SELECT extract(epoch FROM completed_at - created_at)::float FROM runs_run WHERE workflow_name = %s ORDER BY created_at
"""
GAPS = """
SELECT run_id, step, extract(epoch FROM at - previous_at)::float FROM (
    SELECT record.run_id, record.type, record.sequence - 1 AS step, record.created_at AS at,
        lag(record.created_at) OVER (PARTITION BY record.run_id ORDER BY record.sequence) AS previous_at
    FROM runs_checkpoint AS record JOIN runs_run ON runs_run.id = record.run_id WHERE workflow_name = %s
) AS steps WHERE type = 'step_completed'
"""


def create_to_completed(bench: Bench, count: int) -> list[float]:
    """Return the milliseconds from creation to completion of ``count`` three-step runs, one after another over HTTP."""
    name = _one_by_one(bench, steps=STEPS, count=count)
    return [seconds * MILLISECONDS for (seconds,) in bench.connection.execute(LATENCIES, (name,))]


def step_gaps(bench: Bench, *, steps: int, count: int) -> list[dict[int, float]]:
    """Return the milliseconds that each step took, counted from 1, of ``count`` runs, one after another over HTTP."""
    name = _one_by_one(bench, steps=steps, count=count)
    runs: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for run_id, step, seconds in bench.connection.execute(GAPS, (name,)):
        runs[run_id][step] = seconds * MILLISECONDS
    return list(runs.values())


def _one_by_one(bench: Bench, *, steps: int, count: int) -> str:
    name = new_name()
    order = order_of(name, steps=steps)
    with connected(bench) as client:
        for _ in range(count):
            _complete(bench, client.create(order))
    return name


def _complete(bench: Bench, run_id: str) -> None:
    bench.wait_for(lambda: bool(bench.one(IS_COMPLETED, run_id)[0]), every=LOOK_EVERY_SECONDS)
