"""The whole measurement, in the order that disturbs it least: one phase after another, floor and engine in turns."""

import itertools
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from tests.acceptance.processes import Process
from tests.benchmarks import batches, floor, latency, listening, shapes, wal
from tests.benchmarks.bench import Bench
from tests.benchmarks.figures import Figure, at_least, at_most
from tests.benchmarks.memory import peak_bytes

WORKERS = (1, 2)
WARM_UP_RUNS = 64
LONG_RUN_STEPS = 100
EARLY_STEPS = range(5, 26)
LATE_STEPS = range(80, 101)
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much to measure: runs in a batch, runs in a batch over HTTP, repetitions, and what other phases need."""

    runs: int = 1200
    posted_runs: int = 600
    rounds: int = 3
    floor_seconds: int = 3
    latencies: int = 240
    long_runs: int = 8
    attention: listening.Attention = listening.MUCH


QUICK = Scale(
    runs=300,
    posted_runs=200,
    rounds=1,
    floor_seconds=2,
    latencies=60,
    long_runs=2,
    attention=listening.LITTLE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Throughput:
    """What one number of worker processes reached, round by round; one floor more than rounds lies around them."""

    workers: int
    floors: list[floor.Floor] = field(default_factory=list)
    runs_per_second: list[float] = field(default_factory=list)
    costs: list[wal.Cost] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Return each round's rate as a part of the floor: the mean of those just before and just after it."""
        around = itertools.pairwise(each.runs_per_second for each in self.floors)
        rounds = zip(self.runs_per_second, around, strict=True)
        return [reached / statistics.mean(floors) for reached, floors in rounds]

    def figure(self) -> Figure:
        """Return the rate as a line of the report."""
        plural = "s" if self.workers > 1 else ""
        return Figure.of(f"engine alone, {self.workers} worker{plural}", "runs/s", self.runs_per_second)


def measure(bench: Bench, scale: Scale, tell: Callable[[str], None]) -> Iterator[Figure]:
    """Yield every figure; ``tell`` hears what is being measured. Raises BenchmarkFailed."""
    reached = [_throughput(bench, scale, workers, tell) for workers in WORKERS]
    best = max(reached, key=lambda each: statistics.median(each.runs_per_second))
    yield _floor(reached)
    for each in reached:
        yield replace(each.figure(), target=at_least(250) if each is best else None)
    yield Figure.of(
        "engine alone / floor",
        "",
        best.ratios,
        target=at_least(0.20),
        note="the better number of workers, by the floors around each round",
    )
    bench.deployment.scale(best.workers)
    tell("through the API")
    yield from _through_the_api(bench, scale)
    yield from _costs(reached, scale)
    tell("idle latency")
    yield from _latency(bench, scale)
    tell("long runs")
    yield from _step_cost(bench, scale)
    yield from shapes.short_and_long(bench, scale.long_runs)
    tell("shapes")
    yield from shapes.at_once(bench, scale.rounds)
    yield from shapes.items(bench, scale.rounds)
    yield from _memory(bench)
    tell("agents that wait for a model")
    yield from shapes.agents_that_wait()
    tell("listeners")
    yield from listening.live_events(scale.attention)


def _throughput(bench: Bench, scale: Scale, workers: int, tell: Callable[[str], None]) -> _Throughput:
    reached = _Throughput(workers=workers)
    bench.deployment.scale(workers)
    batches.drive(bench, WARM_UP_RUNS)
    reached.floors.append(floor.measure(bench.database_url, bench.folder, seconds=scale.floor_seconds))
    for number in range(1, scale.rounds + 1):
        tell(f"engine alone and floor, round {number} of {scale.rounds}, worker processes: {workers}")
        with wal.counted(bench) as cost:
            reached.runs_per_second.append(batches.drive(bench, scale.runs))
        reached.costs.append(cost)
        reached.floors.append(floor.measure(bench.database_url, bench.folder, seconds=scale.floor_seconds))
    return reached


def _floor(reached: list[_Throughput]) -> Figure:
    floors = [each for throughput in reached for each in throughput.floors]
    rates = [each.runs_per_second for each in floors]
    return Figure.of("floor: bare commits", "runs/s", rates, note=f"by {floors[0].driver}")


def _through_the_api(bench: Bench, scale: Scale) -> Iterator[Figure]:
    rounds = [batches.create_and_drive(bench, scale.posted_runs) for _ in range(scale.rounds)]
    note = f"{batches.CLIENTS} clients on the same machine, driven while they are created"
    yield Figure.of("POST /v1/runs, created", "runs/s", [each.created_per_second for each in rounds], note=note)
    yield Figure.of("POST /v1/runs, completed", "runs/s", [each.completed_per_second for each in rounds])


def _costs(reached: list[_Throughput], scale: Scale) -> Iterator[Figure]:
    costs = [cost for throughput in reached for cost in throughput.costs]
    commits = [cost.commits / scale.runs for cost in costs]
    yield Figure.of("commits per run", "", commits, target=at_most(6), note=costs[0].method)
    yield Figure.of("WAL per run", "bytes", [cost.bytes / scale.runs for cost in costs])


def _latency(bench: Bench, scale: Scale) -> Iterator[Figure]:
    samples = latency.create_to_completed(bench, scale.latencies)
    note = f"from created to completed, {len(samples)} runs over HTTP, one at a time"
    middle = Figure.of("idle latency, p50", "ms", samples, target=at_most(12), note=note)
    yield middle
    p99 = statistics.quantiles(samples, n=100, method="inclusive")[-1]
    yield replace(middle, name="idle latency, p99", value=p99, target=None, note="")


def _step_cost(bench: Bench, scale: Scale) -> Iterator[Figure]:
    runs = latency.step_gaps(bench, steps=LONG_RUN_STEPS, count=scale.long_runs)
    early = [_median_of(run, EARLY_STEPS) for run in runs]
    late = [_median_of(run, LATE_STEPS) for run in runs]
    ratios = [after / before for after, before in zip(late, early, strict=True)]
    yield Figure.of(
        "step early in a long run", "ms", early, note=f"steps 5 to 25 of {LONG_RUN_STEPS}, the median of each run"
    )
    yield Figure.of("step late in a long run", "ms", late, note="steps 80 to 100")
    yield Figure.of("late / early", "", ratios, target=at_most(1.2), note=f"{len(runs)} runs, one at a time")


def _median_of(gaps: dict[int, float], steps: range) -> float:
    return statistics.median(gaps[step] for step in steps)


def _memory(bench: Bench) -> Iterator[Figure]:
    web = [process for process in bench.deployment.processes if process.name == "web"]
    yield from _peaks("peak memory, web", web)
    yield from _peaks("peak memory, worker", bench.deployment.workers)


def _peaks(name: str, processes: list[Process]) -> Iterator[Figure]:
    peaks = [peak / MIB for process in processes if (peak := peak_bytes(process))]
    if peaks:
        yield Figure.of(name, "MiB", peaks)
