"""What shapes other than a sequence cost: participants at once, a batch of items, many agents that wait for a model."""

import json
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.batches import new_name, seconds_to_drive
from tests.benchmarks.bench import Bench, open_bench
from tests.benchmarks.clients import order_for
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.latency import step_gaps
from tests.benchmarks.memory import peak_bytes
from tests.benchmarks.specs import NAP_SECONDS, asking, batch, participants
from tests.stubs.chat_server import Answer, ChatServer, completion

MIB = 1024 * 1024
ITEMS = 1_000
PARTICIPANTS = 3
ASKING_RUNS, ASKING_STEPS, ANSWER_SECONDS = 200, 3, 2.0
# As many runs as wait for a model at the same time; a thread that waits costs next to nothing.
ASKING_SETTINGS = {"KNEO_SERV_WORKER_CONCURRENCY": "100"}
SHORT, LONG = 5, 100


def at_once(bench: Bench, rounds: int) -> Iterator[Figure]:
    """Yield how long participants take that each wait for the same time."""
    name = new_name()
    order = order_for(participants(name, count=PARTICIPANTS))
    seconds = [seconds_to_drive(bench, name, order, count=1)]
    for _ in range(rounds - 1):
        name = new_name()
        seconds.append(seconds_to_drive(bench, name, order_for(participants(name, count=PARTICIPANTS)), count=1))
    note = f"{PARTICIPANTS} participants that each take {NAP_SECONDS:g} s"
    yield Figure.of("concurrent participants", "s", seconds, target=at_most(2.0), note=note)


def items(bench: Bench, rounds: int) -> Iterator[Figure]:
    """Yield how many items of a map are done a second, and whether the workers' memory grows with maps."""
    seconds = [_map(bench)]
    before = _worker_peak(bench)
    seconds += [_map(bench) for _ in range(rounds)]
    rates = [ITEMS / each for each in seconds]
    yield Figure.of("map, items that do nothing", "items/s", rates, note=f"each a map of {ITEMS:,} items")
    if before:
        grown = _worker_peak(bench) / before
        note = f"a worker's peak after {rounds} more maps, by its peak after the first"
        yield Figure.of("memory after maps / before", "", [grown], target=at_most(1.1), note=note)


def short_and_long(bench: Bench, count: int) -> Iterator[Figure]:
    """Yield what a step of a long run costs by what one of a short run does."""
    short, long_ = (_step_cost(bench, steps, count) for steps in (SHORT, LONG))
    note = f"the median step of runs of {LONG} steps, by that of runs of {SHORT}"
    yield Figure.of("step of a long run / short run", "", [long_ / short], target=at_most(1.2), note=note)


def agents_that_wait() -> Iterator[Figure]:
    """Yield how long many runs take whose agents wait for a model, on a deployment of their own."""
    with (
        ChatServer(_slow) as model,
        tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder,
        open_bench(Path(folder), ASKING_SETTINGS) as bench,
    ):
        bench.deployment.scale(2)
        name = new_name()
        order = order_for(asking(name, steps=ASKING_STEPS, base_url=model.base_url))
        seconds = seconds_to_drive(bench, name, order, count=ASKING_RUNS)
        note = (
            f"{ASKING_RUNS} runs of {ASKING_STEPS} agent steps, {ANSWER_SECONDS:g} s for each answer, 2 workers of 100"
        )
        yield Figure.of("agents that wait for a model", "s", [seconds], target=at_most(9), note=note)
        peaks = [peak / MIB for worker in bench.deployment.workers if (peak := peak_bytes(worker))]
        if peaks:
            yield Figure.of("peak memory, worker of 100", "MiB", peaks)


def _slow(_: Mapping[str, Any]) -> Answer:
    return completion("done", after_seconds=ANSWER_SECONDS)


def _map(bench: Bench) -> float:
    name = new_name()
    return seconds_to_drive(bench, name, order_for(batch(name), json.dumps(["x"] * ITEMS)), count=1)


def _worker_peak(bench: Bench) -> int:
    return max((peak_bytes(worker) or 0 for worker in bench.deployment.workers), default=0)


def _step_cost(bench: Bench, steps: int, count: int) -> float:
    runs = step_gaps(bench, steps=steps, count=count)
    return statistics.median(gap for run in runs for gap in run.values())
