"""JSON from outside."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kneo_project.strict_json import NotJson, Unstorable, read_json, refuse_unstorable

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(json_values)
def test_every_json_value_is_read_as_it_is(value: object) -> None:
    assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text", ["", "x", "NaN", "[-Infinity]", "1e999", "-1e999", "9" * 5_000, "[" * 100_000, '{"a":' * 100_000]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        read_json(text)


@given(json_values, st.sampled_from(["\0", "\ud800", "\udfff"]))
def test_what_cannot_be_kept_is_found_wherever_it_is(value: object, bad: str) -> None:
    for hidden in ([value, bad], {"a": [value, {bad: value}]}, {"a": value, "b": f"x{bad}y"}):
        with pytest.raises(Unstorable):
            refuse_unstorable(hidden)


def test_nesting_is_bounded() -> None:
    refuse_unstorable(read_json("[" * 99 + "1" + "]" * 99))
    with pytest.raises(NotJson, match="100 levels"):
        refuse_unstorable(read_json("[" * 100 + "1" + "]" * 100))
