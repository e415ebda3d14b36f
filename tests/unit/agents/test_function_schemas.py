"""What functions are given and give, against their schemas."""

from typing import Any

import pytest

from runs.agents.errors import FunctionInputInvalid, FunctionOutputInvalid
from runs.agents.function_schemas import check_input, check_output
from specs.language.plan import FunctionPlan

CLAIM = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}


def function(schema: dict[str, Any] | None) -> FunctionPlan:
    return FunctionPlan(implementation="acme.f", input_schema=schema, output_schema=schema)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (None, "anything"),
        (CLAIM, '{"amount": 5}'),
        ({"type": "string", "minLength": 2}, "12"),
        ({"type": "integer"}, "12"),
        ({"enum": ["yes", "no"]}, "yes"),
        ({}, "[" * 100_000),
    ],
)
def test_what_matches_passes(schema: dict[str, Any] | None, text: str) -> None:
    check_input(function(schema), text)
    check_output(function(schema), text)


@pytest.mark.parametrize(
    ("schema", "text", "why"),
    [
        (CLAIM, '{"amount": "hunter2"}', 'amount: the value is not of type "number"'),
        (CLAIM, "hunter2", 'the value is not of type "object"'),
        ({"type": "string", "maxLength": 3}, "hunter2", "longer than 3"),
        (CLAIM, '{"amount": NaN, "hunter2": 1}', 'the value is not of type "object"'),
        ({"type": "object"}, '"hunter2 \\ud800"', "surrogate"),
        ({"type": "integer"}, "hunter2", 'the value is not of type "integer"'),
    ],
)
def test_what_does_not_match_is_named_by_its_place(schema: dict[str, Any], text: str, why: str) -> None:
    with pytest.raises(FunctionInputInvalid, match=why) as given:
        check_input(function(schema), text)
    with pytest.raises(FunctionOutputInvalid, match=why) as gave:
        check_output(function(schema), text)
    assert (given.value.retriable, gave.value.retriable) == (False, True)
    assert "hunter2" not in f"{given.value} {gave.value}"
