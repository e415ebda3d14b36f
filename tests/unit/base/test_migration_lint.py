"""What stops a service with large tables is found in a migration; what does not is let through."""

import pytest
from django.db import migrations, models
from django.db.migrations.operations.base import Operation

from kneo_project.indexes import AddIndexQuietly
from tests.migration_lint import found, problems

INDEX = models.Index(fields=["created_at"], name="an_index")


def said(*operations: Operation, atomic: bool = True) -> list[str]:
    """Return what is said of a migration of runs that does this."""
    kind = type("Migration", (migrations.Migration,), {"operations": list(operations), "atomic": atomic})
    return list(problems(kind("0099_next", "runs")))


def test_the_migrations_of_this_project_stop_nobody() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("operation", "word"),
    [
        (migrations.AddIndex("run", INDEX), "AddIndexQuietly"),
        (migrations.AddField("run", "size", models.IntegerField(default=0)), "db_default"),
        (migrations.AlterField("checkpoint", "type", models.TextField()), "rewritten"),
        (migrations.AddConstraint("run", models.CheckConstraint(condition=models.Q(), name="c")), "NOT VALID"),
        (migrations.RunPython(migrations.RunPython.noop), "batches"),
        (migrations.RunSQL("UPDATE runs_run SET attempts = 0"), "batches"),
        (migrations.RemoveField("run", "attempts"), "one release after"),
        (migrations.DeleteModel("Signal"), "one release after"),
        (migrations.RenameField("run", "attempts", "deaths"), "one release after"),
    ],
)
def test_what_stops_a_service_is_found(operation: Operation, word: str) -> None:
    (problem,) = said(operation)
    assert problem.startswith("runs.0099_next: ")
    assert word in problem


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("run", "size", models.IntegerField(null=True)),
        migrations.AddField("run", "size", models.IntegerField(db_default=0)),
        migrations.AddIndex("retentionmark", INDEX),
    ],
)
def test_what_takes_no_time_is_let_through(operation: Operation) -> None:
    assert said(operation) == []


def test_an_index_of_a_table_that_was_just_made_is_let_through() -> None:
    made = migrations.CreateModel("Note", [("created_at", models.DateTimeField())])
    assert said(made, migrations.AddIndex("note", INDEX)) == []


def test_an_index_is_built_concurrently_outside_of_a_transaction() -> None:
    assert said(AddIndexQuietly("run", INDEX), atomic=False) == []
    (problem,) = said(AddIndexQuietly("run", INDEX))
    assert problem.endswith("atomic = False")
