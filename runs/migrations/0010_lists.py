import logging

from django.apps.registry import Apps
from django.db import DatabaseError, migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

logger = logging.getLogger(__name__)

# They hold only the texts that are there, so that the steps of a run that has none yet do not touch them.
SEARCHED = {
    "run_output_words": "CREATE INDEX IF NOT EXISTS run_output_words ON runs_run"
    " USING gin (upper(output_text) gin_trgm_ops) WHERE output_text IS NOT NULL",
    "run_error_words": "CREATE INDEX IF NOT EXISTS run_error_words ON runs_run"
    " USING gin (upper(error_message) gin_trgm_ops) WHERE error_message IS NOT NULL",
}


def index_words(_: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Index the texts that ``q`` searches, where the server knows how to: without that, ``q`` reads every run."""
    if editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=editor.connection.alias):
            editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for statement in SEARCHED.values():
                editor.execute(statement)
    except DatabaseError as error:
        logger.warning("The extension pg_trgm cannot be used, so that the filter q reads every run: %s", str(error).splitlines()[0])


def forget_words(_: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Drop the indexes. The extension stays: others may use it."""
    if editor.connection.vendor == "postgresql":
        for name in SEARCHED:
            editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0009_bulk_operations'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='run',
            name='run_created_at',
        ),
        migrations.RemoveIndex(
            model_name='run',
            name='run_status_updated_at',
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('within__isnull', True)), fields=['created_at', 'workflow_name', 'error_type'], name='run_whole_created_at'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('within__isnull', True)), fields=['status', '-updated_at'], name='run_whole_status'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('error_type__isnull', False), ('within__isnull', True)), fields=['-updated_at'], name='run_whole_error'),
        ),
        migrations.RunPython(index_words, forget_words),
    ]
