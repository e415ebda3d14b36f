"""Cron expressions: what they mean, and that each due moment comes once, also when the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runs.schedules.timetable import timetable

VIENNA = "Europe/Vienna"
ZONES = ["UTC", VIENNA, "America/New_York", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def due(expression: str, zone: str, after: datetime, count: int) -> list[str]:
    """Return the next moments by the clock on the wall, with its offset."""
    moments = islice(timetable(expression, zone).after(after), count)
    return [f"{moment.astimezone(ZoneInfo(zone)):%a %d %H:%M %z}" for moment in moments]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/20 * * * *", ["Tue 10 12:20 +0000", "Tue 10 12:40 +0000", "Tue 10 13:00 +0000"]),
        ("5,35 9-10 * * *", ["Wed 11 09:05 +0000", "Wed 11 09:35 +0000", "Wed 11 10:05 +0000"]),
        ("0 9 * * MON-fri", ["Wed 11 09:00 +0000", "Thu 12 09:00 +0000", "Fri 13 09:00 +0000"]),
        ("0 9 * * 7", ["Sun 15 09:00 +0000", "Sun 22 09:00 +0000", "Sun 01 09:00 +0000"]),
        ("0 9 * * 5-7/2,Wed", ["Wed 11 09:00 +0000", "Fri 13 09:00 +0000", "Sun 15 09:00 +0000"]),
        ("0 9 13 * fri", ["Fri 13 09:00 +0000", "Fri 20 09:00 +0000", "Fri 27 09:00 +0000"]),
        ("0 0 1 jan *", ["Fri 01 00:00 +0000", "Sat 01 00:00 +0000", "Mon 01 00:00 +0000"]),
        ("@weekly", ["Sun 15 00:00 +0000", "Sun 22 00:00 +0000", "Sun 01 00:00 +0000"]),
    ],
)
def test_an_expression_means_what_cron_means_by_it(expression: str, expected: list[str]) -> None:
    assert due(expression, "UTC", datetime(2026, 2, 10, 12, tzinfo=UTC), 3) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", ["Sun 29 03:30 +0200", "Mon 30 02:30 +0200"]),
        ("*/30 * * * *", ["Sun 29 01:30 +0100", "Sun 29 03:00 +0200", "Sun 29 03:30 +0200"]),
        ("30 2,3 * * *", ["Sun 29 03:30 +0200", "Mon 30 02:30 +0200"]),
    ],
)
def test_what_the_clocks_skip_in_spring_is_due_later_and_never_twice(expression: str, expected: list[str]) -> None:
    assert due(expression, VIENNA, datetime(2026, 3, 29, 0, 10, tzinfo=UTC), len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", ["Sun 25 02:30 +0200", "Mon 26 02:30 +0100"]),
        ("30 * * * *", ["Sun 25 02:30 +0200", "Sun 25 02:30 +0100", "Sun 25 03:30 +0100"]),
    ],
)
def test_what_the_clocks_repeat_in_autumn_is_due_once_unless_it_is_every_hour(
    expression: str, expected: list[str]
) -> None:
    assert due(expression, VIENNA, datetime(2026, 10, 25, 0, 10, tzinfo=UTC), len(expected)) == expected


def test_a_leap_day_is_waited_for_across_a_century_that_has_none() -> None:
    assert timetable("0 0 29 2 *", "UTC").next_after(datetime(2096, 3, 1, tzinfo=UTC)).year == 2104


@pytest.mark.parametrize(
    "expression",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *",
        "1-5; * * * *", "5/15 * * * *", "-1 * * * *", "jan * * * *", "* * * * jan", "1,, * * * *", "50-10 * * * *",
        "@never", "\u0661 * * * *", "*" * 200,
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused_in_a_sentence(expression: str) -> None:
    with pytest.raises(ValueError, match=r"cron expression .*\.$"):
        timetable(expression, "UTC")


def test_a_day_that_there_never_is_is_refused() -> None:
    with pytest.raises(ValueError, match="never is"):
        timetable("0 0 30 2 *", "UTC")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "vienna"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        timetable("* * * * *", zone)


numbers = st.integers(0, 59).map(str)
expressions = st.builds(
    lambda minute, hour, day, weekday: f"{minute} {hour} {day} * {weekday}",
    st.sampled_from(["0", "30", "*/15", "7,37"]) | numbers,
    st.sampled_from(["*", "2", "*/3", "0", "23", "1-4"]),
    st.sampled_from(["*", "*/2", "15"]),
    st.sampled_from(["*", "sun", "1-5"]),
)
# The clocks of these zones change within these days, Apia's by a whole one.
beginnings = st.sampled_from(
    [datetime(*day, tzinfo=UTC) for day in ((2026, 3, 6), (2026, 3, 27), (2026, 10, 23), (2026, 4, 3), (2011, 12, 28))]
)
moments = st.builds(lambda day, minutes: day + timedelta(minutes=minutes), beginnings, st.integers(0, 5760))


@FEW
@given(expressions, st.sampled_from(ZONES), moments)
def test_the_next_moment_is_later_and_none_lies_between(expression: str, zone: str, now: datetime) -> None:
    table = timetable(expression, zone)
    following = table.next_after(now)
    assert following > now
    just_before = following - timedelta(minutes=1)
    assert table.next_after(max(now, just_before)) == following
    assert table.latest_until(following, since=following) == following


@FEW
@example("0 2 * * 1-5", "Pacific/Apia", datetime(2011, 12, 28, tzinfo=UTC))
@given(expressions, st.sampled_from(ZONES), moments)
def test_each_due_moment_comes_once_whichever_way_one_walks(expression: str, zone: str, now: datetime) -> None:
    table = timetable(expression, zone)
    walked = list(islice(table.after(now), 40))
    assert all(earlier < later for earlier, later in pairwise(walked))
    assert [table.next_after(at) for at in (now, *walked[:-1])] == walked
    for earlier, later in pairwise(walked):
        assert table.latest_until(later - timedelta(seconds=1), since=walked[0]) == earlier


@FEW
@given(st.sampled_from(ZONES), moments)
def test_every_fifteen_minutes_is_every_fifteen_minutes_of_real_time(zone: str, now: datetime) -> None:
    walked = list(islice(timetable("*/15 * * * *", zone).after(now), 200))
    gaps = {later - earlier for earlier, later in pairwise(walked)}
    assert gaps == {timedelta(minutes=15)}


@FEW
@given(st.sampled_from([zone for zone in ZONES if zone != "Pacific/Apia"]), moments)
def test_once_a_day_is_once_on_every_day(zone: str, now: datetime) -> None:
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in islice(timetable("30 2 * * *", zone).after(now), 12)]
    assert [later - earlier for earlier, later in pairwise(days)] == [timedelta(days=1)] * 11
