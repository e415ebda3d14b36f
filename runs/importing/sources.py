"""The database of a published kneo-serv, opened to be read and nothing else. Knows its tables, and none of ours."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

# The steps of its schema since 0.10; 4 came with 1.1. What is read here is the same in all of them.
STEPS: Mapping[int, str] = {
    1: "base_run_state",
    2: "queue_and_operational_metadata",
    3: "checkpoint_unique_run_sequence",
    4: "run_session_id_and_filter_indexes",
}
OLDEST = 3
TABLES = (
    "runs",
    "checkpoints",
    "continuations",
    "audit_events",
    "idempotency_records",
    "run_queue",
    "locks",
    "project_metadata",
)
POLICIES = "environment_policy_enforcement"
ROWS_AT_ONCE = 50
SCHEMES = ("postgres://", "postgresql://")

type Row = Sequence[Any]


class SourceRefused(Exception):
    """The source cannot be read, or is no database of a published kneo-serv. The message is a sentence for a person."""


class Source(ABC):
    """An open database of a published kneo-serv, as it was when it was opened."""

    def counts(self) -> dict[str, int]:
        """Return how many rows each table has."""
        return {table: self._number(f"SELECT count(*) FROM {table}") for table in TABLES}  # noqa: S608 - our constants

    def stray_checkpoints(self) -> int:
        """Return how many checkpoints belong to no run."""
        return self._number("SELECT count(*) FROM checkpoints WHERE run_id NOT IN (SELECT id FROM runs)")

    def run_ids(self) -> Iterator[str]:
        """Yield the ids of all runs, in a fixed order."""
        yield from (str(row[0]) for row in self._stream("SELECT id FROM runs ORDER BY id"))

    def run(self, run_id: str) -> str:
        """Return the record of a run, as text."""
        return str(next(self._stream("SELECT payload FROM runs WHERE id = ?", run_id))[0])

    def checkpoints(self, run_id: str) -> Iterator[tuple[int, str]]:
        """Yield the checkpoints of a run in order: the sequence number, and the record as text."""
        statement = "SELECT sequence, payload FROM checkpoints WHERE run_id = ? AND sequence > 0 ORDER BY sequence"
        yield from ((int(row[0]), str(row[1])) for row in self._stream(statement, run_id))

    def checkpoints_of(self, run_id: str) -> int:
        """Return how many checkpoints a run has."""
        return self._number("SELECT count(*) FROM checkpoints WHERE run_id = ?", run_id)

    def audit_events(self) -> Iterator[str]:
        """Yield the records of the audit events as text, the oldest first."""
        yield from (str(row[0]) for row in self._stream("SELECT payload FROM audit_events ORDER BY created_at, id"))

    def policies(self) -> str:
        """Return the policies of the environments, as text."""
        found = list(self._stream("SELECT value FROM project_metadata WHERE key = ?", POLICIES))
        return str(found[0][0]) if found else "{}"

    def refuse_unknown(self) -> None:
        """Do nothing, unless this is no database of a published kneo-serv whose records are known here.

        Raises:
            SourceRefused: it is none.
        """
        if missing := [table for table in ("schema_migrations", *TABLES) if not self._has(table)]:
            raise SourceRefused(f"This is no database of a published kneo-serv: it has no table {missing[0]!r}.")
        steps = {int(row[0]): str(row[1]) for row in self._stream("SELECT version, name FROM schema_migrations")}
        newest = max(steps, default=0)
        if newest < OLDEST and steps.items() <= STEPS.items():
            raise SourceRefused(
                f"This database has version {newest} of the schema, and {OLDEST} to {max(STEPS)} are known here. "
                "Start the published kneo-serv 1.2 on a copy of it once, and import that."
            )
        if not steps.items() <= STEPS.items():
            raise SourceRefused(
                f"This database has version {newest} of the schema, and {OLDEST} to {max(STEPS)} are known here: "
                "it is of another kneo-serv than this release can read."
            )

    def _number(self, statement: str, *values: object) -> int:
        return int(next(self._stream(statement, *values))[0])

    @abstractmethod
    def _has(self, table: str) -> bool:
        """Return whether there is a table of that name."""

    @abstractmethod
    def _stream(self, statement: str, *values: object) -> Iterator[Row]:
        """Yield the rows of ``statement``, with ``?`` for its values, a few in memory at a time."""


class _File(Source):
    """An SQLite file."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise SourceRefused(
                f"There is no file {path}. Name an SQLite file, or a URL that begins with postgresql://."
            )
        # To read a file with a write-ahead log, SQLite makes files beside it, unless it is told that nobody writes: and
        # nobody does, as whoever has such a file open has its log there as well.
        is_at_rest = _has_log(path) and not path.with_name(f"{path.name}-wal").exists()
        address = f"file:{quote(str(path.resolve()))}?mode=ro{'&immutable=1' if is_at_rest else ''}"
        self.connection = sqlite3.connect(address, uri=True, isolation_level=None)
        self.connection.execute("BEGIN")

    def _has(self, table: str) -> bool:
        return bool(self._number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?", table))

    def _stream(self, statement: str, *values: object) -> Iterator[Row]:
        yield from self.connection.execute(statement, values)


class _Server(Source):
    """A PostgreSQL database."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url)
        self.connection.read_only = True
        self.connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._cursors = count(1)

    def _has(self, table: str) -> bool:
        return bool(self._number("SELECT count(*) FROM pg_class WHERE oid = to_regclass(?)", table))

    def _stream(self, statement: str, *values: object) -> Iterator[Row]:
        # Several are open at a time.
        with self.connection.cursor(name=f"import_{next(self._cursors)}") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            yield from cursor.execute(statement.replace("?", "%s").encode(), values)


def _has_log(path: Path) -> bool:
    """Return whether the header of the file says that it is written through a write-ahead log."""
    with path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


@contextmanager
def opened(source: str) -> Iterator[Source]:
    """Open ``source``, the path of an SQLite file or the URL of a PostgreSQL database, for reading.

    Raises:
        SourceRefused: it cannot be opened or read, or is no database of a published kneo-serv.
    """
    try:
        found: _Server | _File = _Server(source) if source.startswith(SCHEMES) else _File(Path(source))
        with closing(found.connection):
            found.refuse_unknown()
            yield found
    except psycopg.Error as error:
        # The text of the error may name the server and its users; the URL may hold a password.
        raise SourceRefused(f"The PostgreSQL database cannot be read ({type(error).__name__}).") from error
    except sqlite3.Error as error:
        raise SourceRefused(f"{source} cannot be read as an SQLite database: {error}.") from error
