"""``python -m tests.benchmarks.sizing``: what a million runs take on the disk, and what it takes to be rid of them.

A history like that of ``tests.benchmarks.history``, two months old to the day, is made in two databases: in tables as
they are, and partitioned by month. Its tables are weighed, a tenth as many runs are added by the same few statements,
and then all of it is pruned.
"""

import contextlib
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from rich.console import Console

from tests import services
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import Deployment
from tests.benchmarks.bench import SETTINGS, Bench, BenchmarkFailed
from tests.benchmarks.history.filling import fill
from tests.benchmarks.machine import Machine, this_machine
from tests.benchmarks.options import options_of
from tests.benchmarks.wal import counted

RUNS, QUICK_RUNS = 100_000, 5_000
MILLION, MEGA = 1_000_000, 1_000_000
SIZES = """
SELECT coalesce(pg_partition_root(oid), oid)::regclass::text,
    sum(pg_total_relation_size(oid)), sum(pg_indexes_size(oid))
FROM pg_class WHERE relkind = 'r' AND relname ~ '^(runs|humantasks|audit)_' AND relname !~ 'tally$'
GROUP BY 1 HAVING sum(pg_total_relation_size(oid)) > 500000 ORDER BY 2 DESC
"""
PRUNE = ("manage.py", "prune", "--kind", "runs", "--json")


@dataclass(slots=True, kw_only=True)
class Measured:
    """What was measured of one database: bytes for each table and its indexes, seconds, and bytes of WAL."""

    name: str
    runs: int
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    partitioning_seconds: float = 0
    adding_seconds: float = 0
    adding_bytes: float = 0
    pruned: int = 0
    pruning_seconds: float = 0
    pruning_bytes: float = 0
    left_bytes: int = 0


def measure(name: str, runs: int, folder: Path, *, by_month: bool) -> Measured:
    """Make a history of ``runs``, weigh it, add to it and prune it. Raises BenchmarkFailed."""
    found = Measured(name=name, runs=runs)
    newest = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with _bench(folder) as bench:
        program = ("-m", "tests.benchmarks.history.program", str(runs), newest.isoformat())
        bench.deployment.talk_to(*program).communicate()  # it ends when there is nothing to answer
        if by_month:
            began = time.perf_counter()
            bench.deployment.manage("partition", "--yes").check_returncode()
            found.partitioning_seconds = time.perf_counter() - began
            bench.connection.execute("VACUUM ANALYZE")
        found.sizes = _sizes(bench)
        found.adding_seconds, found.adding_bytes = _timed(
            bench, lambda: fill(bench.connection, since=runs, until=runs + runs // 10, newest=newest)
        )
        found.pruning_seconds, found.pruning_bytes = _timed(bench, lambda: _prune(bench, found))
        bench.connection.execute("VACUUM")
        found.left_bytes = sum(size for size, _ in _sizes(bench).values())
    return found


def main(arguments: Sequence[str]) -> int:
    """Measure and print; return 1 when that is impossible."""
    options = options_of(arguments, program="tests.benchmarks.sizing", description="Weigh a history, and prune it.")
    progress = Console(stderr=True)
    if services.POSTGRES.missing:
        progress.print("The benchmark needs PostgreSQL.", services.POSTGRES.missing, sep="\n")
        return 1
    machine, runs = this_machine(services.POSTGRES.url), QUICK_RUNS if options.quick else RUNS
    try:
        with progress.status(f"weighing {runs:,} runs"), tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder:
            found = [
                measure("tables as they are", runs, Path(folder, "plain"), by_month=False),
                measure("by month", runs, Path(folder, "months"), by_month=True),
            ]
    except (BenchmarkFailed, subprocess.CalledProcessError, psycopg.Error) as error:
        progress.print(f"[red]The benchmark failed.[/red] {error}")
        return 1
    sys.stdout.write(_as_json(found, machine) if options.json else _as_text(found, machine))
    return 0


@contextmanager
def _bench(folder: Path) -> Iterator[Bench]:
    folder.mkdir()
    with ExitStack() as stack:
        database = PostgresDatabase()
        stack.callback(database.drop)
        settings = {**SETTINGS, "KNEO_SERV_RETENTION_RUNS_DAYS": "0"}
        deployment = Deployment(folder, database_url=database.url, broker_url="", queue="none", settings=settings)
        stack.callback(deployment.close)
        deployment.run("manage.py", "migrate", "--verbosity", "0")
        connection = stack.enter_context(psycopg.connect(database.url, autocommit=True))
        yield Bench(deployment, database.url, connection)


def _timed(bench: Bench, act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that it takes and the bytes of log: not a number, when the server has thrown them away."""
    began, seconds, written = time.perf_counter(), 0.0, math.nan
    with contextlib.suppress(psycopg.errors.UndefinedFile):
        with counted(bench) as cost:
            act()
            seconds = time.perf_counter() - began
        written = cost.bytes
    return seconds, written


def _prune(bench: Bench, found: Measured) -> None:
    said = bench.deployment.manage(*PRUNE[1:])
    if said.returncode:
        raise BenchmarkFailed(f"Pruning failed: {said.stderr}")
    [kind] = json.loads(said.stdout)["kinds"]
    found.pruned = kind["pruned"]


def _sizes(bench: Bench) -> dict[str, tuple[int, int]]:
    rows = bench.connection.execute(SIZES).fetchall()
    return {table: (int(size), int(indexes)) for table, size, indexes in rows}


def _as_text(found: Sequence[Measured], machine: Machine) -> str:
    return "\n".join([*map(_lines, found), str(machine), ""])


def _lines(found: Measured) -> str:
    scale, added, whole = MILLION / found.runs / MEGA, found.runs // 10, sum(size for size, _ in found.sizes.values())
    return "\n".join(
        [
            f"{found.name + ', MB per million runs':<42}{'all':>10}{'indexes':>10}",
            *(f"{name:<42}{size * scale:>10,.0f}{part * scale:>10,.0f}" for name, (size, part) in found.sizes.items()),
            f"{'together':<42}{whole * scale:>10,.0f}",
            f"partitioned in {found.partitioning_seconds:.0f} s" if found.partitioning_seconds else "",
            f"added {_rates(added, found.adding_seconds, found.adding_bytes)}",
            f"pruned {_rates(found.pruned, found.pruning_seconds, found.pruning_bytes)}",
            f"left on the disk after VACUUM: {found.left_bytes / MEGA:,.0f} MB; before: {whole / MEGA:,.0f} MB",
            "",
        ]
    )


def _rates(runs: int, seconds: float, of_wal: float) -> str:
    each = max(runs, 1)
    return f"{runs:,} runs in {seconds:.1f} s: {runs / seconds:,.0f} runs/s, {of_wal / each:,.0f} bytes of WAL each"


def _as_json(found: Sequence[Measured], machine: Machine) -> str:
    return json.dumps({"machine": asdict(machine), "found": [asdict(each) for each in found]}, indent=2, default=str)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
