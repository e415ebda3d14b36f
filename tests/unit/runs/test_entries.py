"""Which step of a workflow the path of a record leads to."""

import pytest

from runs.inspection.entries import place_in


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("a", "a"),
        ("board/legal", "board/legal"),
        ("board#2/legal", "board/legal"),
        ("board@3/legal", "board/legal"),
        ("board~other#2@3/legal#1/x", "board/legal/x"),
        ("invoices/", "invoices/"),
    ],
)
def test_visits_attempts_and_fallbacks_are_not_part_of_a_place(path: str, place: str) -> None:
    assert place_in(path) == place
