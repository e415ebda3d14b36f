"""What migrations may not do to large tables: ``python -m tests.migration_lint``, part of ``make lint``.

A migration runs while the service does. What locks or rewrites a table that has millions of rows stops it; so an index
is built concurrently, a column has a default of the database or may be null, and rows are changed in small batches by
the service itself, not by a migration. Every migration after the ones of ACCEPTED is held to that.
"""

import sys
from collections.abc import Iterator

import django
from django.apps import apps
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED

OURS = ("kneo_project", "specs", "humantasks", "runs")
# They were applied before there was a release, when no table was large.
ACCEPTED = {
    "apikeys": "0001_initial",
    "audit": "0001_initial",
    "humantasks": "0005_questions_of_steps",
    "runs": "0011_retention",
    "specs": "0002_stored_policy",
    "webhooks": "0001_initial",
}
# Tables that stay small however long the service runs: what is done to these takes no time.
SMALL = {
    "apikeys.apikey",
    "runs.bulkoperation",
    "runs.leaseowner",
    "runs.retentionmark",
    "runs.statisticsmark",
    "runs.totaltally",
    "specs.storedpolicy",
    "webhooks.webhooksubscription",
}
CONCURRENT = (AddIndexConcurrently, RemoveIndexConcurrently)
WITHOUT_DEFAULT = "processes of the release before cannot write rows; give it a db_default, or let it be null"
WHY: dict[tuple[type[Operation], ...], str] = {
    (migrations.AddIndex,): "writers wait while the index is built; use AddIndexQuietly of kneo_project.indexes",
    (migrations.AddConstraint,): "all rows are read under a lock; add it NOT VALID in SQL, and validate it afterwards",
    (migrations.AlterField,): "the table may be rewritten under a lock; add another column instead",
    (
        migrations.RunPython,
        migrations.RunSQL,
    ): "rows of large tables are not changed in one transaction; do it in batches, outside of migrations",
    (
        migrations.RemoveField,
        migrations.DeleteModel,
        migrations.RenameField,
        migrations.RenameModel,
    ): "processes of the release before still use it; remove it one release after its last use",
}


def problems(migration: migrations.Migration) -> Iterator[str]:
    """Yield what the migration does that would stop a service with large tables."""
    made = {f"{migration.app_label}.{each.name.lower()}" for each in _of(migration, migrations.CreateModel)}
    for operation in migration.operations:
        model = f"{migration.app_label}.{str(getattr(operation, 'model_name', '')).lower()}"
        if model not in made | SMALL and (why := _problem(operation)):
            yield f"{migration.app_label}.{migration.name}: {operation.describe()}: {why}"
    if migration.atomic and any(isinstance(each, CONCURRENT) for each in migration.operations):
        yield f"{migration.app_label}.{migration.name}: no transaction can build indexes concurrently: atomic = False"


def _of[T: Operation](migration: migrations.Migration, kind: type[T]) -> Iterator[T]:
    return (each for each in migration.operations if isinstance(each, kind))


def _problem(operation: Operation) -> str | None:
    if isinstance(operation, CONCURRENT):
        return None
    if isinstance(operation, migrations.AddField):
        return WITHOUT_DEFAULT if _must_be_given(operation) else None
    return next((why for kinds, why in WHY.items() if isinstance(operation, kinds)), None)


def _must_be_given(operation: migrations.AddField) -> bool:
    field = operation.field
    return not (field.null or field.many_to_many) and field.db_default is NOT_PROVIDED


def found() -> list[str]:
    """Return the problems of all migrations of ours that are not accepted as they are."""
    own = {config.label for config in apps.get_app_configs() if config.name.partition(".")[0] in OURS}
    loader = MigrationLoader(None, ignore_no_migrations=True)
    held = [
        migration
        for (label, name), migration in sorted(loader.disk_migrations.items())
        if label in own and name > ACCEPTED.get(label, "")
    ]
    return [problem for migration in held for problem in problems(migration)]


def main() -> int:
    """Print the problems; return 1 when there are any."""
    if not settings.configured:
        django.setup()
    for problem in (known := found()):
        print(problem)  # noqa: T201
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
