import runs.identifiers
import runs.partitions.leaving
from django.db import migrations, models


class Migration(migrations.Migration):
    """What Python does: the database has nothing of it."""

    dependencies = [
        ('runs', '0017_lines'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='run',
                    name='id',
                    field=models.UUIDField(default=runs.identifiers.new_run_id, editable=False, primary_key=True, serialize=False),
                ),
                migrations.AlterField(
                    model_name='checkpoint',
                    name='run',
                    field=models.ForeignKey(db_index=False, on_delete=runs.partitions.leaving.with_run_or_month, related_name='checkpoints', to='runs.run'),
                ),
                migrations.AlterField(
                    model_name='traceevent',
                    name='run',
                    field=models.ForeignKey(db_index=False, on_delete=runs.partitions.leaving.with_run_or_month, related_name='trace_events', to='runs.run'),
                ),
            ],
        ),
    ]
