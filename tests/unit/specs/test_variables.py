"""Variables that a function's result sets."""

import json

import pytest

from specs.language.variables import LONGEST_VALUE, VariableInvalid, variables_from


def test_each_variable_gets_the_value_of_its_key() -> None:
    assert variables_from({"a": "x", "b": "y"}, '{"x": 1, "y": [true], "z": 0}') == {"a": 1, "b": [True]}


def test_with_nothing_to_set_the_result_may_be_anything() -> None:
    assert variables_from({}, "no JSON") == {}


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ("no JSON", "JSON object"),
        ("[1]", "JSON object"),
        ('{"y": 1}', "'x'"),
        (json.dumps({"x": "a" * LONGEST_VALUE}), str(LONGEST_VALUE)),
    ],
)
def test_a_result_without_them_is_refused_in_words(result: str, problem: str) -> None:
    with pytest.raises(VariableInvalid, match=problem):
        variables_from({"a": "x"}, result)
