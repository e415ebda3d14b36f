"""Ids of runs sort by the moment they were made, and a month of them is a range."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from runs.identifiers import first_id_at, made_at, new_run_id
from runs.partitions.months import Month


def test_an_id_is_a_uuid_of_version_7_and_says_when_it_was_made() -> None:
    before = datetime.now(UTC)
    made = new_run_id()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before - timedelta(seconds=1) <= made_at(made) <= datetime.now(UTC)


def test_ids_sort_by_the_moment_they_were_made_and_none_is_made_twice() -> None:
    made = [new_run_id() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    moments = [each.int >> 64 for each in made]
    assert moments == sorted(moments)


def test_the_example_of_the_standard_lies_at_its_moment() -> None:
    example = uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")  # RFC 9562, A.6
    moment = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    assert made_at(example) == moment
    assert first_id_at(moment) < example < first_id_at(moment + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("month", "later", "after"),
    [(Month(2026, 11), 1, Month(2026, 12)), (Month(2026, 11), 3, Month(2027, 2)), (Month(2026, 12), 1, Month(2027, 1))],
)
def test_months_follow_each_other_without_a_gap(month: Month, later: int, after: Month) -> None:
    assert month.after(later) == after
    assert month.bounds[1] == month.after().bounds[0]
    assert month.bounds[0] <= first_id_at(month.begins_at) < month.bounds[1]


def test_a_moment_belongs_to_its_month_of_utc() -> None:
    assert Month.of(datetime.fromisoformat("2026-12-01T00:30:00+02:00")) == Month(2026, 11)
    assert str(Month(2026, 3)) == "2026-03"
    assert Month(2026, 3).table("runs_checkpoint") == "runs_checkpoint_2026_03"
