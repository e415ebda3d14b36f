"""One row for each job that the beat asks for: its last execution, whichever process that was in."""

from django.db import models


class Outcome(models.TextChoices):
    """How an execution of a job ended."""

    DONE = "done"
    FAILED = "failed"


class BeatJob(models.Model):
    """A job of the beat. An execution that died with its process left no trace here: the row grows old instead."""

    name = models.CharField(max_length=64, primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    duration_seconds = models.FloatField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    succeeded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "beat job"

    def __str__(self) -> str:
        return self.name
