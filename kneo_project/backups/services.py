"""Making a backup, looking at one, and putting one back."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from django.db import DatabaseError, connection

from kneo_project.backups import postgresql, sqlite
from kneo_project.backups.archive import unpacked, write_archive
from kneo_project.backups.errors import RestoreRefused
from kneo_project.backups.manifest import Manifest, key_mark


class Engine(Protocol):
    """How backups of one kind of database are made: what the modules of the engines have."""

    def write(self, take: Callable[[bytes], None], /) -> Mapping[str, int]:
        """Hand the database to ``take``; return the rows of each table."""

    def check(self, database: Path, /) -> None:
        """Raise BackupUnusable for what cannot be read."""

    def put_back(self, database: Path, rows: Mapping[str, int], afterwards: Sequence[str], /) -> None:
        """Replace the present database."""

    def in_use(self) -> str | None:
        """Return by whom it is used besides us."""


# Rows that migrations write, so that a database which nobody has used yet has them.
WRITTEN_BY_MIGRATIONS = frozenset({"django_migrations", "django_content_type", "auth_permission"})


def make_backup(path: Path) -> Manifest:
    """Write the database, as it is at one moment, to ``path``, and read it again. Raises BackupFailed."""
    engine = _engine()
    is_compressed = connection.vendor == "postgresql"  # pg_dump has done it
    return write_archive(path.absolute(), engine.write, engine.check, compress=not is_compressed)


def check_backup(path: Path) -> Manifest:
    """Return what the backup at ``path`` is, if it is whole and could be put back here. Raises BackupUnusable."""
    with unpacked(path.absolute()) as (manifest, database):
        manifest.refuse_misfit()
        _engine().check(database)
    return manifest


def restore(path: Path, *, signs_of_life: Sequence[str], afterwards: Sequence[str], replace: bool) -> Manifest:
    """Put the backup at ``path`` back: all of it, or nothing.

    A database that somebody uses (``signs_of_life``, or connections), or that holds something, is left alone unless
    ``replace``. The SQL statements ``afterwards`` are part of it: nobody sees the restored data before them.

    Raises BackupUnusable, RestoreRefused and RestoreFailed.
    """
    with unpacked(path.absolute()) as (manifest, database):
        manifest.refuse_misfit()
        if not replace:
            _refuse_if_used(signs_of_life)
        connection.close()
        _engine().put_back(database, manifest.rows, afterwards)
    return manifest


def has_same_key(manifest: Manifest) -> bool:
    """Return whether the secret key is that of the backup: another one cannot open the secrets of webhooks."""
    return manifest.key_mark == key_mark()


def is_empty() -> bool:
    """Return whether the database holds nothing but what migrations write."""
    if connection.vendor == "sqlite" and not sqlite.database_file().exists():
        return True
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in WRITTEN_BY_MIGRATIONS:
                cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 - its own name
                if cursor.fetchone():
                    return False
    return True


def _refuse_if_used(signs_of_life: Sequence[str]) -> None:
    try:
        reasons = [*signs_of_life, *filter(None, [_engine().in_use()])]
        if not is_empty():
            reasons.append("The database holds something.")
    except DatabaseError as error:
        raise RestoreRefused("The database does not answer.") from error
    if reasons:
        raise RestoreRefused(
            f"{' '.join(reasons)} Stop web, workers and beat; --yes-replace then replaces what is there."
        )


def _engine() -> Engine:
    return postgresql if connection.vendor == "postgresql" else sqlite
