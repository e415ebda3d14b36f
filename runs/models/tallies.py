"""What happened, added up, and how far keeping the books has come: see ``runs.statistics`` and ``runs.retention``."""

from django.db import models


class Tally(models.Model):
    """How often something happened, how long it took together and by bounds, and the tokens it cost."""

    kind = models.CharField(max_length=24)
    count = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    buckets = models.JSONField(default=list)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    total_tokens = models.PositiveBigIntegerField(default=0)
    cost_nanos = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.count} {self.kind}"


class TotalTally(Tally):
    """Since the service began; what is pruned stays counted."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind"], name="total_tally_once")]


class HourlyTally(Tally):
    """In an hour, by workflow; no name is the agent alone."""

    hour = models.DateTimeField()
    workflow_name = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "kind", "workflow_name"], name="hourly_tally_once"),
        ]


class RecentTally(Tally):
    """In a slot of ``slot_seconds``, of the whole service; kept for as long as the first page shows such slots.

    The tokens are there twice more, by the ``name`` of the workflow and of the model that used them.
    """

    slot_seconds = models.PositiveIntegerField()
    begins_at = models.DateTimeField()
    name = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slot_seconds", "begins_at", "kind", "name"], name="recent_tally_once"),
        ]


class StatisticsMark(models.Model):
    """How far the tallies reach. There is one row."""

    ONLY = 1

    checkpoint_id = models.BigIntegerField(default=0)
    answers_until = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"up to checkpoint {self.checkpoint_id}"


class RetentionMark(models.Model):
    """Who locks it may prune records of its ``kind``. The row of the kind ``ROUND`` is about all of them.

    ``finished_at`` is when nothing was left that is past its window; ``unreported`` was pruned, and not audited yet.
    """

    ROUND = "round"

    kind = models.CharField(max_length=24, primary_key=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    unreported = models.PositiveBigIntegerField(default=0)
    # How far a search has come that passes by rows which stay.
    place = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.kind
