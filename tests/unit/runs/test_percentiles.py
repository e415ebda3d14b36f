"""Percentiles from buckets: as near to those of the values as the bounds allow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.inspection.percentiles import percentile
from runs.sums import BOUNDS_SECONDS, no_buckets

LENGTHS = st.lists(st.floats(min_value=0, max_value=BOUNDS_SECONDS[-1]), min_size=1, max_size=60)
SHARES = st.floats(min_value=0.01, max_value=1)


def counts_of(lengths: list[float]) -> list[int]:
    counts = no_buckets()
    for length in lengths:
        counts[bucket_of(length)] += 1
    return counts


def bucket_of(length: float) -> int:
    return sum(bound < length for bound in BOUNDS_SECONDS)


@given(LENGTHS, SHARES)
def test_a_percentile_is_in_the_bucket_of_the_value_of_that_rank(lengths: list[float], share: float) -> None:
    found = percentile(counts_of(lengths), BOUNDS_SECONDS, share)
    rank = next(number for number in range(1, len(lengths) + 1) if number >= share * len(lengths))
    bucket = bucket_of(sorted(lengths)[rank - 1])
    lower = BOUNDS_SECONDS[bucket - 1] if bucket else 0
    assert found is not None
    assert lower <= found <= BOUNDS_SECONDS[bucket]


@given(LENGTHS, SHARES, SHARES)
def test_a_greater_share_took_no_less(lengths: list[float], one: float, other: float) -> None:
    counts = counts_of(lengths)
    less, more = (percentile(counts, BOUNDS_SECONDS, share) for share in sorted((one, other)))
    assert less is not None
    assert more is not None
    assert less <= more * (1 + 1e-9)


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([0, 0, 0], 0.5, None),
        ([4, 0, 0], 0.5, 5),
        ([0, 4, 0], 0.25, 12.5),
        ([1, 1, 0], 0.5, 10),
        ([1, 1, 0], 1, 20),
        ([0, 0, 3], 0.5, 20),
    ],
)
def test_values_are_spread_evenly_within_a_bucket_and_the_last_bound_stands_for_what_is_longer(
    counts: list[int], share: float, expected: float | None
) -> None:
    assert percentile(counts, [10, 20], share) == expected
