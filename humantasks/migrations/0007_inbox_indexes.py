from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models.functions import Left


class AddIndexBesideWork(migrations.AddIndex):
    """Adds an index while others go on writing, where the server knows how to."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.add_index(model, self.index, concurrently=True)  # type: ignore[call-arg]


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('humantasks', '0006_inbox'),
    ]

    operations = [
        AddIndexBesideWork(
            model_name='humantask',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['escalated_at', 'expires_at', 'created_at'], name='human_task_inbox'),
        ),
        AddIndexBesideWork(
            model_name='humantask',
            index=models.Index(condition=models.Q(('claimed_by__isnull', False), ('status', 'open')), fields=['claimed_by'], name='human_task_claimed'),
        ),
        AddIndexBesideWork(
            model_name='humantask',
            index=models.Index(Left('assignee', 255), condition=models.Q(('assignee__isnull', False), ('status', 'open')), name='human_task_assigned'),
        ),
    ]
