from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0006_fan_outs'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='ordered_by',
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='cost_nanos',
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='cost_budget_nanos',
            field=models.PositiveBigIntegerField(blank=True, null=True),
        ),
    ]
