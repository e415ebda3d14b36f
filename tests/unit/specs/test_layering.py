"""Overlays laid over a document."""

from hypothesis import given
from hypothesis import strategies as st

from specs.language.layering import layer

VALUES = st.recursive(st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(st.text(max_size=2), inner))
MAPPINGS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


def test_mappings_merge_and_everything_else_replaces() -> None:
    base = {"a": {"x": 1, "y": 2}, "b": [1, 2], "c": 1}

    assert layer(base, [{"a": {"y": 3, "z": 4}, "b": [3]}, {"c": {"d": 5}}]) == {
        "a": {"x": 1, "y": 3, "z": 4},
        "b": [3],
        "c": {"d": 5},
    }


def test_null_and_the_delete_mark_remove_a_key() -> None:
    base = {"a": 1, "b": {"c": 2, "d": 3}}

    assert layer(base, [{"a": None, "b": {"c": {"__delete__": True}}}]) == {"b": {"d": 3}}


def test_inside_an_added_mapping_null_and_the_delete_mark_are_values() -> None:
    added = {"x": None, "y": {"__delete__": True}}

    assert layer({}, [{"new": added}]) == {"new": added}


@given(MAPPINGS)
def test_nothing_over_a_document_is_the_document(base: dict[str, object]) -> None:
    assert layer(base, [{}]) == base


@given(MAPPINGS, MAPPINGS)
def test_laying_the_same_over_twice_is_laying_it_over_once(base: dict[str, object], overlay: dict[str, object]) -> None:
    once = layer(base, [overlay])

    assert layer(once, [overlay]) == once


@given(MAPPINGS, MAPPINGS)
def test_layering_changes_nothing_in_place(base: dict[str, object], overlay: dict[str, object]) -> None:
    before = repr((base, overlay))

    layer(base, [overlay])

    assert repr((base, overlay)) == before
