"""What the database alone can do: the five commits of a three-step run, each as small as it can be."""

import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg

CLIENTS = 8
THREADS = 2
STEPS = 3
CREATE_TABLES = """
CREATE TABLE floor_run (
    id bigserial PRIMARY KEY, status text NOT NULL DEFAULT 'created',
    fence bigint NOT NULL DEFAULT 0, sequence integer NOT NULL DEFAULT 1
);
CREATE TABLE floor_checkpoint (
    run_id bigint NOT NULL, sequence integer NOT NULL, output_text text NOT NULL, PRIMARY KEY (run_id, sequence)
);
"""
DROP_TABLES = "DROP TABLE floor_run, floor_checkpoint"
CREATE_RUN = "INSERT INTO floor_run DEFAULT VALUES RETURNING id"
CREATE_CHECKPOINT = "INSERT INTO floor_checkpoint VALUES (%(id)s, 1, 'go')"
CLAIM = "UPDATE floor_run SET status = 'running', fence = fence + 1 WHERE id = %(id)s AND fence = 0"
COMMIT_STEP = """WITH moved AS (
    UPDATE floor_run SET sequence = sequence + 1 WHERE id = %(id)s AND fence = 1 RETURNING id, sequence
) INSERT INTO floor_checkpoint SELECT id, sequence, 'go' FROM moved"""
TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """How many runs a second the database can commit, and what drove it."""

    runs_per_second: float
    driver: str


def measure(database_url: str, folder: Path, *, seconds: int) -> Floor:
    """Measure for ``seconds`` on two throw-away tables in the database; a script may be left in ``folder``."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(CREATE_TABLES)
        try:
            return _measure(database_url, folder, seconds)
        finally:
            # What is left behind, autovacuum would look after while something else is measured.
            connection.execute(DROP_TABLES)


def _measure(database_url: str, folder: Path, seconds: int) -> Floor:
    pgbench = _find_pgbench()
    if pgbench is None:
        return Floor(runs_per_second=_by_psycopg(database_url, seconds), driver="psycopg: pgbench not found")
    return Floor(runs_per_second=_by_pgbench(pgbench, database_url, folder, seconds), driver="pgbench")


def _find_pgbench() -> str | None:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which("pgbench", path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, places)]))


def _by_pgbench(pgbench: str, database_url: str, folder: Path, seconds: int) -> float:
    script = folder / "floor.sql"
    script.write_text(_script())
    size = ("--client", str(CLIENTS), "--jobs", str(THREADS), "--time", str(seconds))
    command = [pgbench, "--no-vacuum", "--protocol", "prepared", *size, "--file", str(script), database_url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = TPS.search(output)
    if found is None:
        raise ValueError(f"pgbench printed no rate:\n{output}")
    return float(found[1])


def _script() -> str:
    statements = [CREATE_CHECKPOINT, "COMMIT", CLAIM, *[COMMIT_STEP] * STEPS]
    rest = "".join(f"{statement};\n" for statement in statements).replace("%(id)s", ":id")
    return f"BEGIN;\n{CREATE_RUN} \\gset\n{rest}"


def _by_psycopg(database_url: str, seconds: int) -> float:
    stop = threading.Event()
    alarm = threading.Timer(seconds, stop.set)
    with ThreadPoolExecutor(CLIENTS) as threads:
        began = time.monotonic()
        alarm.start()
        runs = sum(threads.map(lambda _: sum(_runs(database_url, stop)), range(CLIENTS)))
        return runs / (time.monotonic() - began)


def _runs(database_url: str, stop: threading.Event) -> Iterator[int]:
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=0) as connection:
        while not stop.is_set():
            with connection.transaction():
                row = connection.execute(CREATE_RUN).fetchone()
                key = {"id": row and row[0]}
                connection.execute(CREATE_CHECKPOINT, key)
            for statement in (CLAIM, *[COMMIT_STEP] * STEPS):
                connection.execute(statement, key)
            yield 1
