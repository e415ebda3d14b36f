import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('humantasks', '0005_questions_of_steps'),
        ('runs', '0011_retention'),
    ]

    operations = [
        migrations.CreateModel(
            name='TaskApproval',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('decided_by', models.CharField(max_length=255)),
                ('decided_at', models.DateTimeField()),
                ('decision', models.CharField(max_length=16)),
                ('content', models.TextField(blank=True, null=True)),
                ('selected_option', models.TextField(blank=True, null=True)),
                ('filled_form', models.JSONField(blank=True, null=True)),
                ('response_metadata', models.JSONField(blank=True, default=dict)),
            ],
        ),
        migrations.AddField(
            model_name='humantask',
            name='approvals_needed',
            field=models.SmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddField(
            model_name='humantask',
            name='assignee_kind',
            field=models.CharField(blank=True, choices=[('user', 'User'), ('group', 'Group')], max_length=8, null=True),
        ),
        migrations.AddField(
            model_name='humantask',
            name='claimed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='humantask',
            name='claimed_by',
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AddField(
            model_name='humantask',
            name='exclude_requester',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='taskapproval',
            name='task',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='approvals', to='humantasks.humantask'),
        ),
        migrations.AddConstraint(
            model_name='taskapproval',
            constraint=models.UniqueConstraint(fields=('task', 'decided_by'), name='task_approval_once'),
        ),
    ]
