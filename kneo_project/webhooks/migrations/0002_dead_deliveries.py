from django.db import migrations, models

from kneo_project.indexes import AddIndexQuietly


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('webhooks', '0001_initial'),
    ]

    operations = [
        AddIndexQuietly(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('status', 'dead')), fields=['-created_at'], name='webhook_delivery_dead'),
        ),
    ]
