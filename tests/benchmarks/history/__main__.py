"""``python -m tests.benchmarks.history``: measure the API with a small and with a large history, and print both."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from tests import services
from tests.acceptance.brokers import Broker
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import Deployment
from tests.benchmarks.bench import SETTINGS, new_queue
from tests.benchmarks.history.filling import FIRST_RUNS
from tests.benchmarks.history.lines import Limit, Line, Times, print_lines
from tests.benchmarks.machine import this_machine

LARGE, CALLS = 100_000, 200
QUICK_LARGE, QUICK_CALLS = 10_000, 20
LIMITS: Mapping[str, Limit] = {"runs/{id}": Limit.ONE, "POST runs, async": Limit.CREATE}


def main(arguments: Sequence[str]) -> int:
    """Measure; return 1 when that is impossible or, with ``--strict``, when a target is missed."""
    options = _options(arguments)
    progress = Console(stderr=True)
    if missing := [each.missing for each in (services.POSTGRES, services.RABBITMQ) if each.missing]:
        progress.print("The benchmark needs PostgreSQL and RabbitMQ.", *missing, sep="\n")
        return 1
    machine = this_machine(services.POSTGRES.url)
    large, count = (QUICK_LARGE, QUICK_CALLS) if options.quick else (LARGE, CALLS)
    try:
        with progress.status(f"measuring the API with up to {large:,} runs"):
            small_samples, large_samples = _samples(large, count)
    except subprocess.CalledProcessError as error:
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


def _samples(large: int, count: int) -> list[dict[str, list[float]]]:
    """Return the milliseconds of each request at both sizes, measured on a database and a queue of their own."""
    database = PostgresDatabase()
    broker = Broker(services.RABBITMQ, queue=new_queue())
    try:
        with tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder:
            # Never opened: the program that measures is its only process.
            deployment = Deployment(
                Path(folder),
                database_url=database.url,
                broker_url=services.RABBITMQ.url,
                queue=broker.queue,
                settings=SETTINGS,
            )
            deployment.run("manage.py", "migrate", "--verbosity", "0")
            file = Path(folder) / "samples"
            program = "tests.benchmarks.history.program"
            deployment.run("-m", program, str(FIRST_RUNS), str(large), str(count), str(file))
            samples: list[dict[str, list[float]]] = json.loads(file.read_text())
            return samples
    finally:
        broker.close()
        database.drop()


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.history", description="Measure the API with a history."
    )
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works, not to judge")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
