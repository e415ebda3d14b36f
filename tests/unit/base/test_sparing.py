"""What strangers can cause is recorded once a minute, and all of it within bounds."""

import pytest

from kneo_project.audit import sparing
from kneo_project.audit.sparing import MOST_A_MINUTE, Recent


class Clock:
    """A clock that stands still."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recent(clock: Clock) -> Recent:
    return Recent(clock)


def test_the_next_record_tells_how_many_were_held_back(recent: Recent, clock: Clock) -> None:
    assert [recent.admit("a", "b") for _ in range(4)] == [1, None, None, None]
    clock.now += 59
    assert recent.admit("a", "b") is None
    clock.now += 1
    assert [recent.admit("a", "b") for _ in range(2)] == [5, None]
    clock.now += 60
    assert recent.admit("a", "b") == 2


def test_what_differs_is_recorded_apart(recent: Recent) -> None:
    assert [recent.admit(*what) for what in (("a",), ("b",), ("a", "b"), ("a",))] == [1, 1, 1, None]


def test_all_together_are_bounded_and_what_was_held_back_is_not_forgotten(recent: Recent, clock: Clock) -> None:
    admitted = [recent.admit(f"{number}") for number in range(MOST_A_MINUTE + 10)]
    assert admitted == [1] * MOST_A_MINUTE + [None] * 10
    clock.now += 60
    assert recent.admit(f"{MOST_A_MINUTE}") == 2


def test_what_is_remembered_is_bounded(recent: Recent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparing, "MOST_REMEMBERED", 2)
    assert [recent.admit(name) for name in ("a", "b", "c", "b", "a")] == [1, 1, 1, None, 1]
