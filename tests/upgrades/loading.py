"""Puts a kept database where an upgrade is to begin: a file as it is, a server by its tables of that time."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

ROOT = Path(__file__).parents[2]
KEY = "a key for tests, the same in every process of them"
COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s
"""
SEQUENCES = """
SELECT pg_get_serial_sequence(quote_ident(table_name), column_name), table_name, column_name
FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'
"""


def manage(url: str, state: Path, *command: str, told: str = "") -> str:
    """Run a program of this installation on the database; return what it prints."""
    environment = {"PATH": os.environ["PATH"], "KNEO_SERV_STATE_DIR": str(state), "PYTHONPATH": str(ROOT)}
    environment |= {"KNEO_SERV_DATABASE_URL": url, "KNEO_SERV_SECRET_KEY": KEY, "KNEO_SERV_REQUEST_LOGS": "0"}
    environment["DJANGO_SETTINGS_MODULE"] = "kneo_project.settings"
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        input=told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def load(dump: str, url: str, state: Path) -> None:
    """Make the database at ``url`` what ``dump``, the SQL of a file, says."""
    file = state / "kept.sqlite3" if url.startswith("postgres") else Path(urlsplit(url).path.replace("//", "/"))
    with closing(sqlite3.connect(file)) as kept:
        kept.executescript(dump)
        if url.startswith("postgres"):
            _migrate_to_its_time(kept, url, state)
            with psycopg.connect(url) as there:
                _copy(kept, there)


def _migrate_to_its_time(kept: sqlite3.Connection, url: str, state: Path) -> None:
    """Apply the migrations that the kept database has, and no others."""
    applied = kept.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    newest = list({app: (app, name) for app, name in applied}.values())
    begin = "import django; django.setup(); from django.db import connection"
    executor = "from django.db.migrations.executor import MigrationExecutor"
    manage(url, state, "-c", f"{begin}; {executor}; MigrationExecutor(connection).migrate({newest!r})")


def _copy(kept: sqlite3.Connection, there: "psycopg.Connection[tuple[Any, ...]]") -> None:
    tables = kept.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    names = [name for (name,) in tables if name != "django_migrations"]
    every = sql.SQL(", ").join(map(sql.Identifier, names))
    there.execute(sql.SQL("TRUNCATE {} CASCADE").format(every))  # of what migrations have written
    for name in names:
        rows = kept.execute(f'SELECT * FROM "{name}"')
        columns = [column[0] for column in rows.description]
        kinds = dict(there.execute(COLUMNS, (name,)).fetchall())
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(name),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
        )
        for row in rows:
            there.execute(insert, list(_values(row, [kinds[column] for column in columns])))
    for sequence, table, column in there.execute(SEQUENCES).fetchall():
        highest = sql.SQL("SELECT setval(%s, coalesce((SELECT max({}) FROM {}), 0) + 1, false)")
        there.execute(highest.format(sql.Identifier(column), sql.Identifier(table)), (sequence,))


def _values(row: tuple[Any, ...], kinds: list[str]) -> Iterator[object]:
    """Yield what SQLite holds as PostgreSQL takes it: it knows yes and no, and moments of a zone."""
    for value, kind in zip(row, kinds, strict=True):
        if kind == "boolean" and value is not None:
            yield bool(value)
        elif kind == "timestamp with time zone" and value is not None:
            yield f"{value}+00"
        else:
            yield value
