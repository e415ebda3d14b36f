from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kneo_project.net.retry_after import retry_after_seconds
from runs.agents.models.backoff import MAX_DELAY_SECONDS, delay_seconds

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@given(attempt=st.integers(1, 5), backoff=st.floats(0.01, 1.0))
def test_the_wait_doubles_and_is_spread_over_half_of_itself(attempt: int, backoff: float) -> None:
    full = backoff * 2 ** (attempt - 1)
    assert full / 2 <= delay_seconds(attempt, backoff_seconds=backoff) <= full


@given(attempt=st.integers(1, 10_000), asked=st.none() | st.floats(0, 1e9))
def test_the_wait_is_never_longer_than_a_minute(attempt: int, asked: float | None) -> None:
    assert delay_seconds(attempt, backoff_seconds=5.0, retry_after_seconds=asked) <= MAX_DELAY_SECONDS


def test_the_provider_is_left_alone_for_as_long_as_it_asks() -> None:
    assert delay_seconds(1, backoff_seconds=0.5, retry_after_seconds=20.0) == 20.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", None),
        ("Mon, 23 Nov 99999999999999999999 12:00:00 GMT", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=NOW) == seconds


@given(header=st.text())
def test_no_header_breaks_the_reader(header: str) -> None:
    assert (retry_after_seconds(header, now=NOW) or 0.0) >= 0.0
