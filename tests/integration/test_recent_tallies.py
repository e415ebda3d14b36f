"""The tallies of the last hour, day and week: what is in them, and that they do not pile up."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from runs import statistics
from runs.models import RecentTally, StatisticsMark, TotalTally
from runs.periods import PERIODS
from tests.factories import CheckpointFactory, RunFactory

pytestmark = pytest.mark.django_db


def step(at: datetime) -> None:
    run = RunFactory.create(created_at=at - timedelta(seconds=9))
    CheckpointFactory.create(run=run, type="step_completed", started_at=at - timedelta(seconds=3), created_at=at)


def settle() -> None:
    while statistics.settle(settled_after=timedelta(0)):
        pass


def slots() -> list[tuple[int, int]]:
    """Return in slots of which lengths steps were counted, and how many."""
    return sorted(RecentTally.objects.filter(kind="steps").values_list("slot_seconds", "count"))


def test_what_happened_is_in_the_slots_of_every_span_that_reaches_back_to_it() -> None:
    now = timezone.now()
    step(now - timedelta(days=30))
    step(now - timedelta(days=3))
    settle()
    assert slots() == [(10_800, 1)]
    step(now)
    settle()
    assert slots() == [(60, 1), (1_800, 1), (10_800, 1), (10_800, 1)]


def test_a_slot_is_added_to() -> None:
    now = PERIODS[-1].slot_of(timezone.now())  # a moment that is the same slot, whatever the time
    for _ in range(2):
        step(now)
        settle()
    tally = RecentTally.objects.get(kind="steps", slot_seconds=10_800)
    assert (tally.count, sum(tally.buckets), tally.seconds) == (2, 2, 6)


def test_slots_that_no_span_reaches_any_more_are_deleted() -> None:
    for period in PERIODS:
        old = period.begins_at(timezone.now()) - period.slot
        RecentTally.objects.create(slot_seconds=period.slot_seconds, begins_at=old, kind="steps", count=1)
    settle()
    assert not RecentTally.objects.exists()
    assert StatisticsMark.objects.get().settled_at


def test_a_clock_that_was_far_ahead_for_a_moment_does_not_stop_the_counting() -> None:
    now = timezone.now()
    step(now + timedelta(days=3650))
    step(now - timedelta(minutes=1))
    settle()
    assert TotalTally.objects.get(kind="steps").count == 2
    counted = statistics.counted_until()
    assert counted is not None
    assert counted > now
