from django.db import migrations, models
from django.db.models.functions import Left

from kneo_project.indexes import AddIndexQuietly


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('humantasks', '0006_inbox'),
    ]

    operations = [
        AddIndexQuietly(
            model_name='humantask',
            index=models.Index(condition=models.Q(('status', 'open')), fields=['escalated_at', 'expires_at', 'created_at'], name='human_task_inbox'),
        ),
        AddIndexQuietly(
            model_name='humantask',
            index=models.Index(condition=models.Q(('claimed_by__isnull', False), ('status', 'open')), fields=['claimed_by'], name='human_task_claimed'),
        ),
        AddIndexQuietly(
            model_name='humantask',
            index=models.Index(Left('assignee', 255), condition=models.Q(('assignee__isnull', False), ('status', 'open')), name='human_task_assigned'),
        ),
    ]
