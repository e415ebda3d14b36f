"""Regular expressions that users write."""

import pytest

from kneo_project.patterns import Pattern, UnsoundPattern


def test_a_pattern_is_searched_for_anywhere() -> None:
    assert Pattern(r"\d{3}").is_in("call 555 now")
    assert not Pattern("Call").is_in("call 555 now")


@pytest.mark.parametrize("text", ["(", "(?=ahead)", r"(a)\1", "(a{1000}){1000}", "\ud800"])
def test_what_the_engine_cannot_match_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(UnsoundPattern, match=r"\w+"):
        Pattern(text)


def test_no_pattern_takes_more_than_linear_time() -> None:
    assert not Pattern("^(a+)+$").is_in("a" * 1_000_000 + "b")


def test_half_a_surrogate_pair_can_be_searched() -> None:
    assert Pattern("x").is_in("\ud800x")
