"""Pruning what belongs to no run: audit events, tallies, deliveries, orders for many runs, unused specs, log files."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from kneo_project.audit.services import prune_before, recorded_before
from kneo_project.webhooks.models import WebhookDelivery
from runs.models import BulkOperation, BulkStatus, HourlyTally, RetentionMark, Run, Schedule
from runs.retention.batches import Batch, Limit
from runs.statements import lock_snapshots
from specs.models import SpecSnapshot

AN_HOUR = timedelta(hours=1)
HELD_OPEN = ".log"


def count_audit(limit: Limit) -> int:
    """Return how many audit events are past their window."""
    return recorded_before(limit.before).count()


def prune_audit(limit: Limit, _: RetentionMark) -> Batch:
    """Delete audit events."""
    pruned = prune_before(limit.before, at_most=limit.at_most)
    return Batch(pruned=pruned, goes_on=pruned == limit.at_most, is_done=pruned < limit.at_most)


def tallies_past(limit: Limit) -> QuerySet[HourlyTally]:
    """Return the tallies of hours that were over before the window."""
    return HourlyTally.objects.filter(hour__lt=limit.before - AN_HOUR)


def prune_tallies(limit: Limit, _: RetentionMark) -> Batch:
    """Delete tallies of hours; the totals stay."""
    found = list(tallies_past(limit).order_by("hour").values_list("pk", flat=True)[: limit.at_most])
    return Batch.of(HourlyTally.objects.filter(pk__in=found).delete()[0], found, limit.at_most)


def deliveries_past(limit: Limit) -> QuerySet[WebhookDelivery]:
    """Return the deliveries of webhooks from before the window that were made, or given up."""
    return WebhookDelivery.objects.settled().filter(created_at__lt=limit.before)


def prune_deliveries(limit: Limit, _: RetentionMark) -> Batch:
    """Delete deliveries of webhooks."""
    found = list(deliveries_past(limit).order_by("created_at").values_list("pk", flat=True)[: limit.at_most])
    return Batch.of(deliveries_past(limit).filter(pk__in=found).delete()[0], found, limit.at_most)


def bulk_past(limit: Limit) -> QuerySet[BulkOperation]:
    """Return the orders for many runs that ended before the window."""
    return BulkOperation.objects.exclude(status=BulkStatus.RUNNING).filter(completed_at__lt=limit.before)


def prune_bulk(limit: Limit, _: RetentionMark) -> Batch:
    """Delete orders for many runs."""
    found = list(bulk_past(limit).order_by("completed_at").values_list("pk", flat=True)[: limit.at_most])
    return Batch.of(bulk_past(limit).filter(pk__in=found).delete()[0], found, limit.at_most)


def snapshots_past(limit: Limit) -> QuerySet[SpecSnapshot]:
    """Return the specs from before the window that no run was created from, and none will be by the clock."""
    used = Exists(Run.objects.filter(snapshot=OuterRef("pk")))
    scheduled = Exists(Schedule.objects.filter(snapshot=OuterRef("pk")))
    return SpecSnapshot.objects.filter(~used, ~scheduled, created_at__lt=limit.before)


def prune_snapshots(limit: Limit, mark: RetentionMark) -> Batch:
    """Delete unused specs of the next page: most that are old are in use, so that a search must not begin anew."""
    older = SpecSnapshot.objects.filter(created_at__lt=limit.before)
    ahead = older.filter(created_at__gt=mark.place) if mark.place else older
    page = list(ahead.order_by("created_at").values_list("pk", "created_at")[: limit.at_most])
    if not page:
        mark.place = None
        return Batch(is_done=True)
    unused = snapshots_past(limit).filter(pk__in=[digest for digest, _ in page])
    if not unused.exists():
        mark.place = page[-1][1]
        return Batch(goes_on=True)
    if connection.vendor == "postgresql" and not lock_snapshots():
        return Batch()
    pruned, _ = unused.only("pk").delete()
    mark.place = page[-1][1]
    return Batch(pruned=pruned, goes_on=True)


def count_logs(limit: Limit) -> int:
    """Return how many log files were last written to before the window."""
    with _log_folder() as folder:
        return len(list(_quiet(folder, limit))) if folder is not None else 0


def prune_logs(limit: Limit, _: RetentionMark) -> Batch:
    """Delete old log files; those that a program may hold open are emptied, as it would go on writing to nowhere."""
    with _log_folder() as folder:
        names = list(_quiet(folder, limit)) if folder is not None else []
        for name in names:
            if name.endswith(HELD_OPEN):
                os.close(os.open(name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder))
            else:
                os.unlink(name, dir_fd=folder)
    return Batch(pruned=len(names), is_done=True)


@contextmanager
def _log_folder() -> Iterator[int | None]:
    """Open the directory of the logs for as long as it is looked at; None when there is none, or a link instead."""
    try:
        folder = os.open(settings.STATE_DIR / "logs", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        os.close(folder)


def _quiet(folder: int, limit: Limit) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            seen = entry.stat(follow_symlinks=False)
            is_empty = entry.name.endswith(HELD_OPEN) and not seen.st_size
            if stat.S_ISREG(seen.st_mode) and not is_empty and seen.st_mtime < limit.before.timestamp():
                yield entry.name
