"""``python -m tests.benchmarks.history``: measure the API with a small and with a large history, and print both."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import psycopg
from rich.console import Console

from tests import services
from tests.benchmarks.bench import BenchmarkFailed
from tests.benchmarks.history.asking import samples_of
from tests.benchmarks.history.filling import FIRST_RUNS
from tests.benchmarks.history.lines import Limit, Line, Times, print_lines
from tests.benchmarks.machine import this_machine
from tests.benchmarks.options import options_of

FAILURES = (BenchmarkFailed, subprocess.CalledProcessError, psycopg.Error)
LARGE, CALLS = 100_000, 200
QUICK_LARGE, QUICK_CALLS = 10_000, 20
LIMITS: Mapping[str, Limit] = {
    "runs/{id}": Limit.ONE,
    "POST runs, async": Limit.CREATE,
    "admin, first page": Limit.PAGE,
    "admin, runs": Limit.PAGE,
    "admin, a run": Limit.PAGE,
}


def main(arguments: Sequence[str]) -> int:
    """Measure; return 1 when that is impossible or, with ``--strict``, when a target is missed."""
    options = options_of(arguments, program="tests.benchmarks.history", description="Measure the API with a history.")
    progress = Console(stderr=True)
    if missing := [each.missing for each in (services.POSTGRES, services.RABBITMQ) if each.missing]:
        progress.print("The benchmark needs PostgreSQL and RabbitMQ.", *missing, sep="\n")
        return 1
    machine = this_machine(services.POSTGRES.url)
    large, rounds = (QUICK_LARGE, QUICK_CALLS) if options.quick else (LARGE, CALLS)
    try:
        with (
            progress.status(f"measuring the API with {FIRST_RUNS:,} and with {large:,} runs"),
            tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder,
        ):
            small_samples, large_samples = samples_of((FIRST_RUNS, large), Path(folder), rounds=rounds)
    except FAILURES as error:
        progress.print(f"[red]The benchmark failed.[/red] {error}")
        return 1
    lines = [
        Line(
            name=name,
            small=Times.of(small_samples[name]),
            large=Times.of(large_samples[name]),
            limit=LIMITS.get(name, Limit.LIST),
        )
        for name in small_samples
    ]
    if options.json:
        report = {"machine": asdict(machine), "lines": [line.as_json() for line in lines]}
        sys.stdout.write(json.dumps(report, indent=2, default=str) + "\n")
    else:
        print_lines(lines, (FIRST_RUNS, large), machine, Console())
    return int(options.strict and not all(line.is_met for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
