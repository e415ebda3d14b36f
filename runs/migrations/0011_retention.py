from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0010_lists'),
        ('specs', '0002_stored_policy'),
    ]

    operations = [
        migrations.CreateModel(
            name='RetentionMark',
            fields=[
                ('kind', models.CharField(max_length=24, primary_key=True, serialize=False)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('unreported', models.PositiveBigIntegerField(default=0)),
                ('place', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='run',
            name='history_pruned_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='bulkoperation',
            index=models.Index(condition=models.Q(('completed_at__isnull', False)), fields=['completed_at'], name='bulk_ended'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('completed_at__isnull', False), ('within__isnull', True)), fields=['completed_at'], name='run_whole_completed_at'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('completed_at__isnull', False), ('history_pruned_at__isnull', True), ('within__isnull', True)), fields=['completed_at'], name='run_whole_unpruned'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('completed_at__isnull', False), ('history_pruned_at__isnull', True), ('within__isnull', False)), fields=['completed_at'], name='run_branch_unpruned'),
        ),
    ]
