"""Spans of time, cut into slots."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.periods import PERIODS, Period

MOMENTS = st.integers(min_value=0, max_value=3 * 10**9).map(lambda second: datetime.fromtimestamp(second + 0.5, UTC))
HOUR = PERIODS[0]


@given(MOMENTS, st.sampled_from(PERIODS))
def test_a_period_ends_with_the_slot_that_is_under_way_and_has_no_gaps(now: datetime, period: Period) -> None:
    moments = period.moments(now)
    assert len(moments) == period.slots
    assert moments[0] == period.begins_at(now)
    assert moments[-1] <= now < moments[-1] + period.slot
    assert {later - earlier for earlier, later in pairwise(moments)} == {period.slot}


@pytest.mark.parametrize(("word", "expected"), [("hour", (10, 59)), ("day", (10, 30)), ("week", (9, 0))], ids=str)
def test_slots_begin_at_round_moments(word: str, expected: tuple[int, int]) -> None:
    period = next(period for period in PERIODS if period.word == word)
    began = period.slot_of(datetime(2026, 5, 4, 10, 59, 58, 123, tzinfo=UTC))
    assert (began.hour, began.minute, began.second, began.microsecond) == (*expected, 0, 0)


def test_what_is_not_known_of_a_slot_is_filled_in() -> None:
    now = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
    values = HOUR.filled({now: 7, now - timedelta(hours=3): 9}, now, 0)
    assert values == [0] * 59 + [7]
