"""``python -m tests.benchmarks``: measure, print, and say which targets are met."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from tests import services
from tests.benchmarks.bench import BenchmarkFailed, open_bench
from tests.benchmarks.figures import Figure
from tests.benchmarks.machine import this_machine
from tests.benchmarks.measuring import QUICK, Scale, measure
from tests.benchmarks.options import options_of
from tests.benchmarks.report import as_json, print_table

FAILURES = (BenchmarkFailed, subprocess.CalledProcessError, psycopg.Error, pytest.fail.Exception)


def main(arguments: Sequence[str]) -> int:
    """Measure; return 1 when that is impossible or, with ``--strict``, when a target is missed."""
    # The programs of the stack are described by the project's settings.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    options = options_of(arguments, program="tests.benchmarks", description="Measure a deployment.")
    console, progress = Console(), Console(stderr=True)
    if missing := [each.missing for each in (services.POSTGRES, services.RABBITMQ) if each.missing]:
        progress.print("The benchmark needs PostgreSQL and RabbitMQ.", *missing, sep="\n")
        return 1
    machine = this_machine(services.POSTGRES.url)
    if machine.is_busy:
        progress.print(f"[yellow]The machine is busy (load {machine.load:.2f}): the figures will be noisy.[/yellow]")
    try:
        figures = _measure(QUICK if options.quick else Scale(), progress)
    except FAILURES as error:
        progress.print(f"[red]The benchmark failed.[/red] {error}")
        return 1
    if options.json:
        sys.stdout.write(as_json(figures, machine) + "\n")
    else:
        print_table(figures, machine, console)
    return int(options.strict and any(figure.is_met is False for figure in figures))


def _measure(scale: Scale, progress: Console) -> list[Figure]:
    status = progress.status("starting")
    with status, tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder, open_bench(Path(folder)) as bench:
        return list(measure(bench, scale, lambda phase: status.update(f"measuring: {phase}")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
