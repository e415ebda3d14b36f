"""``python -m tests.benchmarks.partitions``: what partitions by month change, in turns on two databases of one history.

Rows are inserted one by one, as steps do, into whole and into partitioned tables. Then the records of all runs are
deleted there, by the batches of retention and with the vacuum that follows, and here the months are dropped.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from runs.partitions.months import NAME, TABLES
from tests import services
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import Deployment
from tests.benchmarks.bench import SETTINGS
from tests.benchmarks.machine import this_machine
from tests.benchmarks.options import options_of

RUNS, QUICK_RUNS, ROUNDS, BATCH = 20_000, 4_000, 14, 500
INSERT = """
INSERT INTO runs_checkpoint (run_id, sequence, type, status, path, iteration, attempt, details, created_at)
VALUES (%s, %s, 'step_completed', 'running', %s, 1, 1, '{}', now())
"""
DELETE = "EXPLAIN (ANALYZE, WAL, FORMAT JSON) DELETE FROM {table} WHERE run_id = ANY(%s)"
POSITION = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8"
FILES = "SELECT sum(pg_total_relation_size(oid)) / 1e6 FROM pg_class WHERE relkind = 'r' AND relname ~ %s"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; return 1 when that is impossible."""
    options = options_of(arguments, program="tests.benchmarks.partitions", description="Compare with partitions.")
    progress = Console(stderr=True)
    if services.POSTGRES.missing:
        progress.print("The benchmark needs PostgreSQL.", services.POSTGRES.missing, sep="\n")
        return 1
    machine, runs = this_machine(services.POSTGRES.url), QUICK_RUNS if options.quick else RUNS
    try:
        with tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder, ExitStack() as stack:
            whole = stack.enter_context(_history(Path(folder, "whole"), runs, by_month=False))
            months = stack.enter_context(_history(Path(folder, "months"), runs, by_month=True))
            for line in (*_inserting(whole, months), *_deleting(whole), *_dropping(months)):
                sys.stdout.write(f"{line}\n")
    except (subprocess.CalledProcessError, psycopg.Error) as error:
        progress.print(f"[red]The benchmark failed.[/red] {error}")
        return 1
    sys.stdout.write(f"{runs:,} runs. {machine}\n")
    return 0


@contextmanager
def _history(folder: Path, runs: int, *, by_month: bool) -> Iterator[psycopg.Connection]:
    """Make a history that is over since this month began; yield a connection to it."""
    folder.mkdir()
    newest = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with ExitStack() as stack:
        database = PostgresDatabase()
        stack.callback(database.drop)
        deployment = Deployment(folder, database_url=database.url, broker_url="", queue="none", settings=SETTINGS)
        stack.callback(deployment.close)
        deployment.run("manage.py", "migrate", "--verbosity", "0")
        deployment.talk_to("-m", "tests.benchmarks.history.program", str(runs), newest.isoformat()).communicate()
        if by_month:
            deployment.manage("partition", "--yes").check_returncode()
        connection = stack.enter_context(psycopg.connect(database.url, autocommit=True))
        connection.execute("VACUUM ANALYZE")
        yield connection


def _inserting(whole: psycopg.Connection, months: psycopg.Connection) -> Iterator[str]:
    newest = {each: _ids(each)[-2_000:] for each in (whole, months)}
    taken: dict[psycopg.Connection, list[float]] = {whole: [], months: []}
    for number in range(ROUNDS):
        for connection in (whole, months) if number % 2 else (months, whole):
            with connection.transaction():
                began = time.perf_counter()
                for run_id in newest[connection]:
                    connection.execute(INSERT, (run_id, 100 + number, f"added-{number}"), prepare=True)
                taken[connection].append((time.perf_counter() - began) / len(newest[connection]) * 1e6)
    there, here = (statistics.median(taken[each]) for each in (whole, months))
    yield f"a row inserted: {there:.0f} us whole, {here:.0f} us by month, ratio {here / there:.2f}"


def _deleting(whole: psycopg.Connection) -> Iterator[str]:
    seconds, written = 0.0, 0
    for some in batched(_ids(whole), BATCH):
        for table in TABLES:
            [told] = _one(whole, DELETE.format(table=table), list(some))
            seconds, written = seconds + told["Execution Time"] / 1_000, written + told["Plan"]["WAL Bytes"]
    began = time.perf_counter()
    for table in TABLES:
        whole.execute(f"VACUUM {table}".encode())
    vacuum = time.perf_counter() - began
    left = _one(whole, FILES, f"^({'|'.join(TABLES)})")
    yield f"deleted: {seconds:.1f} s and {written / 1e6:.0f} MB of log, vacuum {vacuum:.1f} s, {left:.0f} MB left"


def _dropping(months: psycopg.Connection) -> Iterator[str]:
    names = [
        name for (name,) in months.execute("SELECT relname FROM pg_class WHERE relkind = 'r'") if NAME.search(name)
    ]
    first, began = _one(months, POSITION), time.perf_counter()
    for name in names:
        with months.transaction():
            months.execute(f"ALTER TABLE {NAME.sub('', name)} DETACH PARTITION {name}".encode())
            months.execute(f"DROP TABLE {name}".encode())
    seconds, written = time.perf_counter() - began, _one(months, POSITION) - first
    left = _one(months, FILES, f"^({'|'.join(TABLES)})")
    yield (
        f"dropped {len(names)} partitions: {seconds:.1f} s and {written / 1e6:.1f} MB of log (of the whole server),"
        f" {left:.0f} MB left"
    )


def _ids(connection: psycopg.Connection) -> list[Any]:
    return [run_id for (run_id,) in connection.execute("SELECT id FROM runs_run ORDER BY id").fetchall()]


def _one(connection: psycopg.Connection, query: str, *parameters: object) -> Any:  # noqa: ANN401 - as the row has it
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row[0] if row else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
