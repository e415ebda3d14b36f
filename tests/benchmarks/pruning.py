"""``python -m tests.benchmarks.pruning``: how long creating runs takes while a history is pruned, and else."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from rich.console import Console

from tests import services
from tests.benchmarks.bench import BenchmarkFailed
from tests.benchmarks.history.asking import WARM_UP_ROUNDS, History, history_of
from tests.benchmarks.history.calls import CREATE
from tests.benchmarks.machine import Machine, this_machine
from tests.benchmarks.options import options_of

FAILURES = (BenchmarkFailed, subprocess.CalledProcessError, psycopg.Error)
RUNS, QUICK_RUNS = 100_000, 5_000
IDLE_CALLS = 500
MOST = 2.0
# Nothing lives long enough to have ended, but for the history.
WINDOW = {"KNEO_SERV_RETENTION_RUNS_DAYS": "0"}
PRUNE = ("manage.py", "prune", "--kind", "runs", "--json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """The p95 of creating a run, in ms, and how fast the history went."""

    idle_p95: float
    pruning_p95: float
    created: int
    pruned: int
    seconds: float

    @property
    def ratio(self) -> float:
        """Return how many times as long creating a run takes while others are pruned."""
        return self.pruning_p95 / self.idle_p95

    @property
    def is_met(self) -> bool:
        """Whether that is little enough."""
        return self.ratio < MOST

    def __str__(self) -> str:
        return (
            f"POST runs, async, p95: {self.idle_p95:.1f} ms idle, {self.pruning_p95:.1f} ms while pruning"
            f" ({self.created} created), ratio {self.ratio:.2f}, under {MOST:g}: {'met' if self.is_met else 'MISSED'}\n"
            f"pruned {self.pruned:,} runs in {self.seconds:.0f} s: {self.pruned / self.seconds:,.0f} runs/s"
        )


def measure(runs: int, folder: Path) -> Pruning:
    """Make a history of ``runs``, create runs, prune the history and create runs meanwhile. Raises BenchmarkFailed."""
    with history_of(runs, folder / "history", WINDOW) as history:
        for number in range(WARM_UP_ROUNDS + IDLE_CALLS):
            history.ask(CREATE, counts=number >= WARM_UP_ROUNDS)
        idle = _taken(history)
        began = time.perf_counter()
        pruner = history.deployment.talk_to(*PRUNE)
        try:
            while pruner.poll() is None:
                history.ask(CREATE, counts=True)
        finally:
            pruner.kill()
        seconds = time.perf_counter() - began
        meanwhile = _taken(history)
        said, _ = pruner.communicate()
    if pruner.returncode:
        raise BenchmarkFailed("Pruning failed.")
    [kind] = json.loads(said)["kinds"]
    return Pruning(
        idle_p95=_p95(idle),
        pruning_p95=_p95(meanwhile),
        created=len(meanwhile),
        pruned=kind["pruned"],
        seconds=seconds,
    )


def main(arguments: Sequence[str]) -> int:
    """Measure; return 1 when that is impossible or, with ``--strict``, when the target is missed."""
    options = options_of(
        arguments, program="tests.benchmarks.pruning", description="Measure creating runs while a history is pruned."
    )
    progress = Console(stderr=True)
    if missing := [each.missing for each in (services.POSTGRES, services.RABBITMQ) if each.missing]:
        progress.print("The benchmark needs PostgreSQL and RabbitMQ.", *missing, sep="\n")
        return 1
    machine = this_machine(services.POSTGRES.url)
    runs = QUICK_RUNS if options.quick else RUNS
    try:
        with (
            progress.status(f"creating runs while {runs:,} are pruned"),
            tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder,
        ):
            seen = measure(runs, Path(folder))
    except FAILURES as error:
        progress.print(f"[red]The benchmark failed.[/red] {error}")
        return 1
    sys.stdout.write(_as_json(seen, machine) if options.json else f"{seen}\n{machine}\n")
    return int(options.strict and not seen.is_met)


def _taken(history: History) -> list[float]:
    """Return the times of all calls since this was last asked."""
    [times] = history.samples.values()
    history.samples.clear()
    return times


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def _as_json(seen: Pruning, machine: Machine) -> str:
    report = {"machine": asdict(machine), **asdict(seen), "ratio": seen.ratio, "is_met": seen.is_met}
    return json.dumps(report, indent=2, default=str) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
