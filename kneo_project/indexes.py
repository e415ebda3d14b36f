"""Indexes on tables that may be large already, and partitioned."""

from collections.abc import Sequence

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState

_PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s) ORDER BY 1"


class AddIndexQuietly(AddIndexConcurrently):
    """Adds an index without holding up writers where the server can do so. For migrations that are not atomic."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Add it. Only parts of a partitioned table can have it quietly; then the whole has it at once, of theirs."""
        model = to_state.apps.get_model(app_label, self.model_name)
        parts = _parts(schema_editor, model)
        for part in parts:
            schema_editor.execute(_of_part(self.index, part, model, schema_editor))
        operation = AddIndexConcurrently if _is_quiet(schema_editor, parts) else AddIndex
        operation.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Drop it."""
        parts = _parts(schema_editor, from_state.apps.get_model(app_label, self.model_name))
        operation = AddIndexConcurrently if _is_quiet(schema_editor, parts) else AddIndex
        operation.database_backwards(self, app_label, schema_editor, from_state, to_state)


def _is_quiet(schema_editor: BaseDatabaseSchemaEditor, parts: Sequence[str]) -> bool:
    return schema_editor.connection.vendor == "postgresql" and not parts


def _parts(schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> Sequence[str]:
    """Return the names of the partitions of the model's table; none where it is whole."""
    if schema_editor.connection.vendor != "postgresql":
        return []
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_PARTITIONS, [_table(model)])
        return [name for (name,) in cursor.fetchall()]


def _of_part(index: models.Index, part: str, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str:
    """Return the statement that adds ``index`` to one partition."""
    whole, quote = str(index.create_sql(model, schema_editor, concurrently=True)), schema_editor.quote_name
    own = quote(f"{part}_{index.name}")
    named = whole.replace(f"CONCURRENTLY {quote(index.name)}", f"CONCURRENTLY IF NOT EXISTS {own}")
    return named.replace(f" ON {quote(_table(model))} ", f" ON {quote(part)} ")


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table  # noqa: SLF001 - Django's documented way
