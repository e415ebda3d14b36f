"""Whether the database has exactly the schema of this code."""

from dataclasses import dataclass

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaDifference:
    """Migrations, as ``app.name``, that only one side has."""

    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def reason_not_to_migrate(self) -> str | None:
        """What to say of a database that a newer release has migrated; None of any other."""
        if not self.unknown:
            return None
        return f"the database was migrated by a newer release ({', '.join(self.unknown)}); install that release here."

    @property
    def reason_to_refuse(self) -> str | None:
        """What a process that finds it should say before it ends; None when there is none."""
        if reason := self.reason_not_to_migrate:
            return reason
        if self.missing:
            return f"the database lacks {len(self.missing)} migrations; run: manage.py migrate"
        return None

    def __bool__(self) -> bool:
        return bool(self.missing or self.unknown)


def schema_difference() -> SchemaDifference:
    """Return what the database lacks, and what it has that this code does not know (it was written by a newer one).

    Raises ``InconsistentMigrationHistory`` when a migration is applied whose predecessor is not.
    """
    executor = MigrationExecutor(connection)
    loader = executor.loader
    loader.check_consistent_history(connection)
    installed = {config.label for config in apps.get_app_configs()}
    applied = {key for key in loader.applied_migrations if key[0] in installed}
    return SchemaDifference(
        missing=tuple(
            f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(loader.graph.leaf_nodes())
        ),
        unknown=tuple(sorted({".".join(key) for key in applied} - _known(loader))),
    )


def known_migrations() -> set[str]:
    """Return the migrations, as ``app.name``, that this code knows."""
    return _known(MigrationLoader(None, ignore_no_migrations=True))


def _known(loader: MigrationLoader) -> set[str]:
    """A squashed migration counts as known under the names that it replaces."""
    replaced = (squashed.replaces for squashed in loader.disk_migrations.values())
    return {".".join(key) for key in set(loader.disk_migrations).union(*replaced)}
