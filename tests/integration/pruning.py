"""Short words for tests of retention: set windows, let runs be old, prune."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from runs import statistics
from runs.models import Run
from runs.retention import rounds
from runs.retention.windows import KINDS, windows

OLD = timedelta(days=40)


def keep(**days: int) -> None:
    """Let records be kept for so many days, those of other kinds for ever. A fixture puts back what there was."""
    settings.RETENTION_DAYS = dict.fromkeys(KINDS) | days


def let_be_old(*runs: Run, by: timedelta = OLD) -> None:
    """Let the runs, and their branches, have ended so long ago, and all that happened be in the tallies."""
    for run in runs:
        ended = {"completed_at": timezone.now() - by}
        Run.objects.filter(pk=run.pk).update(**ended)
        Run.objects.filter(within=run.pk).update(**ended)
    count()


def count() -> None:
    """Add up all that has happened until now."""
    while statistics.settle(settled_after=timedelta(0)):
        pass


def prune(now: datetime | None = None) -> dict[str, int]:
    """Prune as a worker does; return how many of each kind went, without those of which none did."""
    known = windows()
    pruned = rounds.prune(known, rounds.limits(known, now or timezone.now()))
    return {kind: number for kind, number in pruned.items() if number}
