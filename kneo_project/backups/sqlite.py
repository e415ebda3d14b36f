"""Backups of SQLite: a copy by its online backup, while the service goes on."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connection

from kneo_project.backups.archive import CHUNK
from kneo_project.backups.errors import BackupFailed, BackupUnusable, RestoreFailed

PATIENCE_SECONDS = 20.0


def write(take: Callable[[bytes], None]) -> Mapping[str, int]:
    """Copy the database as it is at one moment, and hand the copy to ``take``; return the rows of each table."""
    own = database_file()
    if not own.exists():
        raise BackupFailed(f"There is no database {own}.")
    with _copied(own) as copy:
        rows = _rows(copy)
        with copy.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                take(chunk)
    return rows


def check(database: Path) -> None:
    """Raise BackupUnusable for a file that is no whole database."""
    try:
        with closing(sqlite3.connect(database)) as opened:
            (verdict,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise BackupUnusable(f"The database in the backup cannot be read: {error}.") from error
    if verdict != "ok":
        raise BackupUnusable("The database in the backup is damaged.")


def put_back(database: Path, rows: Mapping[str, int], afterwards: Sequence[str]) -> None:
    """Replace the present database by that in the file ``database``, changed by ``afterwards``; all of it, or nothing.

    Raises BackupUnusable and RestoreFailed.
    """
    check(database)
    if _rows(database) != rows:
        raise BackupUnusable("The backup does not have the rows that its manifest says.")
    own = database_file()
    own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as source:
            source.execute("BEGIN IMMEDIATE")
            for statement in afterwards:
                source.execute(statement)
            source.execute("COMMIT")
            with closing(sqlite3.connect(own, timeout=PATIENCE_SECONDS)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode = WAL")
        own.chmod(0o600)
    except sqlite3.Error as error:
        raise RestoreFailed(f"The database cannot be replaced: {error}.") from error


def in_use() -> str | None:
    """Return by whom the database is open, besides us; None when by nobody, or there is none."""
    own = database_file()
    if not own.exists():
        return None
    connection.close()
    try:
        with closing(sqlite3.connect(own, timeout=0)) as opened:
            # Only who is alone can leave the WAL.
            opened.execute("PRAGMA journal_mode = DELETE")
            opened.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        return "Some process has the database open."
    return None


def database_file() -> Path:
    """Return where the database is."""
    return Path(connection.settings_dict["NAME"])


@contextmanager
def _copied(own: Path) -> Iterator[Path]:
    copy = own.with_name(f".{own.name}.{secrets.token_hex(4)}.copy")
    try:
        copy.touch(mode=0o600, exist_ok=False)
        with (
            closing(sqlite3.connect(own, timeout=PATIENCE_SECONDS)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)  # at once, which keeps nobody from writing: in pieces it begins anew with each write
            target.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
        yield copy
    except sqlite3.Error as error:
        raise BackupFailed(f"The database cannot be copied: {error}.") from error
    finally:
        copy.unlink(missing_ok=True)


def _rows(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as opened:
        named = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        names = sorted(name for (name,) in named.fetchall())
        counting = {name: f'SELECT count(*) FROM "{name}"' for name in names}  # noqa: S608 - its own names
        return {name: int(opened.execute(count).fetchone()[0]) for name, count in counting.items()}
