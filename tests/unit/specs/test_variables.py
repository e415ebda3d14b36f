"""Variables that a function's result sets."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.language.variables import LONGEST_VALUE, VariableInvalid, variables_from, variables_in


def test_each_variable_gets_the_value_of_its_key() -> None:
    assert variables_from({"a": "x", "b": "y"}, '{"x": 1, "y": [true], "z": 0}') == {"a": 1, "b": [True]}


def test_with_nothing_to_set_the_result_may_be_anything() -> None:
    assert variables_from({}, "no JSON") == {}


def nested(levels: int) -> str:
    return '{"x": ' + "[" * levels + "]" * levels + "}"


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ("no JSON", "JSON object"),
        ("[1]", "JSON object"),
        ('{"y": 1}', "'x'"),
        (json.dumps({"x": "a" * LONGEST_VALUE}), str(LONGEST_VALUE)),
        ('{"x": NaN}', "JSON object"),
        ('{"x": -Infinity}', "JSON object"),
        ('{"x": 1e999}', "JSON object"),
        ('{"x": %s}' % ("9" * 5_000), "JSON object"),
        (nested(100_000), "JSON object"),
        (nested(21), "nested more than 20"),
        ('{"x": "\\u0000"}', "cannot be stored"),
        ('{"x": "\\ud800"}', "cannot be stored"),
    ],
)
def test_a_result_without_them_is_refused_in_words(result: str, problem: str) -> None:
    with pytest.raises(VariableInvalid, match=problem):
        variables_from({"a": "x"}, result)


def test_all_variables_together_are_bounded() -> None:
    values = {"a": "x" * 1_900, "b": "x" * 1_900, "c": "x" * 1_900}

    with pytest.raises(VariableInvalid, match="4000"):
        variables_in({name: name for name in values}, values)


def test_a_field_that_was_left_empty_sets_nothing() -> None:
    assert variables_in({"a": "x", "b": "y"}, {"x": 1}) == {"a": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(json_values)
def test_what_is_set_is_what_was_given_or_refused(value: object) -> None:
    try:
        found = variables_from({"v": "x"}, json.dumps({"x": value}))
    except VariableInvalid:
        return
    assert found == {"v": value}
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(VariableInvalid):
        variables_from({"v": "x"}, text)
