"""The restore drill: every table filled, backed up, put back into another database, and compared row by row."""

import json
import os
import sqlite3
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from runs.engine.lifecycle import Status
from runs.models import LeaseOwner, Run
from runs.restored import FENCES_AHEAD
from tests.acceptance.databases import PostgresDatabase
from tests.integration.filling import every_model, fill
from tests.integration.partitioning import partition, undone
from tests.services import POSTGRES
from tests.settings import DATABASE

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
KEY = "a key for tests, the same in every process of them"
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}
type Rows = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """An installation in a database of its own, with no tables yet."""

    url: str
    state: Path

    def manage(self, *command: str, **variables: str) -> tuple[int, str]:
        """Run a command there; return its exit status and all that it said."""
        environment = {"PATH": os.environ["PATH"], "KNEO_SERV_STATE_DIR": str(self.state)}
        environment |= {"KNEO_SERV_DATABASE_URL": self.url, "KNEO_SERV_SECRET_KEY": KEY, **variables}
        ended = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    def rows(self) -> Rows:
        """Return all rows of all tables."""
        with opened(self.url) as cursor:
            return rows_of(cursor)

    def fence_of(self, run: Run) -> tuple[int, str | None]:
        """Return the fence and the owner of a run."""
        with opened(self.url) as cursor:
            cursor.execute("SELECT id, fence, lease_owner FROM runs_run")
            return next((fence, owner) for pk, fence, owner in cursor.fetchall() if uuid.UUID(str(pk)) == run.pk)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    if DATABASE != "postgres":
        yield Scratch(url=f"sqlite:///{tmp_path / 'scratch.sqlite3'}", state=tmp_path)
        return
    database = PostgresDatabase()
    yield Scratch(url=database.url, state=tmp_path)
    database.drop()


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """Give a cursor that hands values out as the database has them, whatever Django makes of them."""
    file = urlsplit(url).path.replace("//", "/")
    with closing(sqlite3.connect(file) if url.startswith("sqlite") else psycopg.connect(url)) as there:
        yield there.cursor()


def rows_of(cursor: sqlite3.Cursor | psycopg.Cursor[Any]) -> Rows:
    """Return the rows of each table, in an order that is the same for the same rows."""
    cursor.execute(TABLES[connection.vendor])
    found: Rows = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f'SELECT * FROM "{table}"')
        columns = [column[0] for column in cursor.description or ()]
        left_out = {"fence", "lease_owner", "wake_at"} if table == "runs_run" else set()
        kept = [place for place, name in enumerate(columns) if name not in left_out]
        found[table] = sorted((tuple(str(row[place]) for place in kept) for row in cursor.fetchall()), key=repr)
    return found


def here() -> str:
    """Return where the test's own database is."""
    name = connection.settings_dict["NAME"]
    return f"sqlite://{name}" if DATABASE != "postgres" else urlsplit(POSTGRES.url)._replace(path=f"/{name}").geturl()


@pytest.fixture(
    params=[False, pytest.param(True, marks=pytest.mark.skipif(DATABASE != "postgres", reason="PostgreSQL"))]
)
def by_month(request: pytest.FixtureRequest) -> Iterator[bool]:
    with undone():
        yield request.param


def test_the_drill(scratch: Scratch, tmp_path: Path, settings: Settings, *, by_month: bool) -> None:
    settings.SECRET_KEY = KEY
    fill()
    if by_month:
        partition()
    empty = [model.__name__ for model in every_model() if not model._default_manager.exists()]
    assert empty == [], "tests.integration.filling fills every table"
    held = Run.objects.filter(status=Status.RUNNING, lease_owner=None).earliest("created_at")
    Run.objects.filter(pk=held.pk).update(lease_owner="worker")
    backup = tmp_path / "kneo.backup"
    call_command("backup", str(backup))
    assert backup.stat().st_mode & 0o777 == 0o600
    with opened(here()) as cursor:
        before = rows_of(cursor)

    status, said = scratch.manage("restore", str(backup))
    assert status == 0, said

    after = scratch.rows()
    assert before.pop("runs_leaseowner")
    assert after.pop("runs_leaseowner") == []
    assert after == before
    assert scratch.manage("doctor", "--audit")[0] == 0
    assert scratch.fence_of(held) == (held.fence + FENCES_AHEAD, None)
    status, said = scratch.manage("restore", str(backup), "--yes-replace")
    assert status == 0, said
    assert {**scratch.rows(), "runs_leaseowner": []} == {**before, "runs_leaseowner": []}


def test_a_database_in_use_or_a_file_that_is_no_whole_backup_of_this_world_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = tmp_path / "kneo.backup"
    call_command("backup", str(backup))
    capsys.readouterr()
    call_command("restore", str(backup), "--check")
    assert "fits, and is whole" in capsys.readouterr().out
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(backup))
    LeaseOwner.objects.create(pk="w", host="h", pid=1, expires_at=timezone.now().replace(year=timezone.now().year + 1))
    with pytest.raises(CommandError, match=r"1 workers are alive\..* The database holds something"):
        call_command("restore", str(backup))
    for change, reason in {
        "damaged": "its digest is another",
        "newer": "made by a newer release",
        "foreign": "The backup is of oracle",
        "format": "has the format 9",
    }.items():
        with pytest.raises(CommandError, match=reason):
            call_command("restore", str(altered(backup, change)), "--yes-replace")
    whole = backup.read_bytes()
    (tmp_path / "garbled").write_bytes(whole[: len(whole) // 2] + b"\xff" * 64 + whole[len(whole) // 2 + 64 :])
    with pytest.raises(CommandError, match="damaged"):
        call_command("restore", str(tmp_path / "garbled"), "--yes-replace")
    manifest = whole.rindex(b"PK\x03\x04")
    for begin, end in (
        (manifest + 50, manifest + 90),
        (whole.rindex(b"PK\x01\x02") + 10, whole.rindex(b"PK\x01\x02") + 12),
    ):
        (tmp_path / "garbled").write_bytes(whole[:begin] + b"\xff" * (end - begin) + whole[end:])
        with pytest.raises(CommandError, match="is no backup, or is damaged"):
            call_command("restore", str(tmp_path / "garbled"), "--check")
    (tmp_path / "nonsense").write_text("nonsense")
    with pytest.raises(CommandError, match="is no backup, or is damaged"):
        call_command("restore", str(tmp_path / "nonsense"))
    assert LeaseOwner.objects.count() == 1


def altered(backup: Path, change: str) -> Path:
    """Return a copy of the backup in which something is not as it was."""
    copy = backup.with_name(change)
    with zipfile.ZipFile(backup) as source, zipfile.ZipFile(copy, "w") as target:
        manifest, database = json.loads(source.read("manifest.json")), source.read("database")
        changed: dict[str, dict[str, Any]] = {
            "newer": {"migrations": [*manifest["migrations"], "runs.9999_new"]},
            "foreign": {"engine": "oracle"},
            "format": {"format": 9},
        }
        if change == "damaged":
            database = database[:-1] + bytes([database[-1] ^ 1])
        target.writestr("database", database)
        target.writestr("manifest.json", json.dumps(manifest | changed.get(change, {})))
    return copy


@pytest.mark.skipif(DATABASE != "postgres", reason="SQLite needs no programs")
def test_programs_of_the_server_that_are_missing_or_old_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="pg_dump is not on this machine"):
        call_command("backup", str(tmp_path / "kneo.backup"))
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    with pytest.raises(CommandError, match="pg_dump is of version 9, and the server of"):
        call_command("backup", str(tmp_path / "kneo.backup"))
    assert [path.name for path in tmp_path.iterdir()] == ["pg_dump"]


@pytest.mark.skipif(DATABASE == "postgres", reason="the server exports a snapshot")
@pytest.mark.timeout(60)
def test_a_backup_ends_however_much_is_written_meanwhile(scratch: Scratch, tmp_path: Path) -> None:
    file, is_over = urlsplit(scratch.url).path.replace("//", "/"), Event()
    assert scratch.manage("migrate")[0] == 0
    with closing(sqlite3.connect(file, isolation_level=None)) as there:
        there.execute("CREATE TABLE written AS SELECT zeroblob(60000000) AS what")

    def write() -> int:
        with closing(sqlite3.connect(file, isolation_level=None)) as there:
            there.execute("PRAGMA synchronous = OFF")
            while not is_over.is_set():
                there.execute("INSERT INTO written VALUES (1)")
            return int(there.execute("SELECT count(*) FROM written").fetchone()[0])

    with ThreadPoolExecutor(1) as others:
        writing = others.submit(write)
        try:
            status, said = scratch.manage("backup", str(tmp_path / "kneo.backup"))
        finally:
            is_over.set()
    assert status == 0, said
    rows = json.loads(zipfile.ZipFile(tmp_path / "kneo.backup").read("manifest.json"))["rows"]["written"]
    assert 1 < rows < writing.result()
