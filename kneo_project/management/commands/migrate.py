"""``manage.py migrate``, as Django has it, but one at a time, and with a sentence when it fails half-way."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DatabaseError
from django.db.migrations import Migration
from django.db.migrations.exceptions import InconsistentMigrationHistory

from kneo_project.migrating import Witness, alone
from kneo_project.schema import schema_difference


class Command(migrate.Command):
    """Migrates, unless the database is newer than this code."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._witness = Witness()

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Wait for those who migrate already, and do what is left then."""
        try:
            with alone(self.stderr.write):
                self._refuse_newer()
                super().handle(*arguments, **options)
        except (CommandError, InconsistentMigrationHistory):
            raise
        except Exception as error:
            stopped = self._witness.stopped_by(error)
            if stopped is not None:
                raise CommandError(stopped) from error
            if isinstance(error, DatabaseError):
                raise CommandError(f"The database cannot be used: {str(error).strip()}") from error
            if isinstance(error, OSError):
                raise CommandError(f"{error.filename} cannot be written ({error.strerror}).") from error
            raise

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's
        """Remember what is under way."""
        self._witness.see(action, migration)
        super().migration_progress_callback(action, migration, fake)

    def _refuse_newer(self) -> None:
        if reason := schema_difference().reason_not_to_migrate:
            raise CommandError(reason)
