"""JSON Schemas that users write."""

import pytest

from kneo_project.json_schema import JsonSchema, UnsoundSchema


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_problem_says_where_and_why_and_not_what() -> None:
    schema = JsonSchema({"properties": {"key": {"type": "integer"}}})
    (problem,) = schema.problems({"key": "hunter2"})
    assert str(problem) == 'key: the value is not of type "integer"'


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "objekt"}, '"objekt" is not valid'),
        ({"pattern": "(?=ahead)"}, "regex"),
        ({"$ref": "https://example.org/schema"}, "Retrieval is disabled"),
        ({"$ref": "#/$defs/missing"}, "does not exist"),
        ({"$schema": "https://example.org/dialect"}, "Unknown meta-schema"),
        ({"const": nested(200)}, "nested more than"),
        ({"allOf": [{"$ref": "#/$defs/each"}] * 31, "$defs": {"each": {}}}, "31 references"),
    ],
)
def test_what_cannot_be_applied_is_refused(schema: dict[str, object], reason: str) -> None:
    with pytest.raises(UnsoundSchema, match=reason):
        JsonSchema(schema)


def test_a_pattern_that_backtracks_takes_no_time() -> None:
    schema = JsonSchema({"pattern": "^(a+)+$"})
    assert len(list(schema.problems("a" * 100_000 + "b"))) == 1


def test_a_schema_may_refer_to_itself() -> None:
    tree = JsonSchema({"type": "object", "additionalProperties": {"$ref": "#"}})
    assert not list(tree.problems({"a": {"b": {}}}))
    assert len(list(tree.problems({"a": {"b": 1}}))) == 1


def test_a_value_nested_without_end_is_a_problem_not_a_crash() -> None:
    (problem,) = JsonSchema({"items": {"$ref": "#"}}).problems(nested(100_000))
    assert "nested more than 100 levels" in problem.message


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": 1}])
def test_half_a_surrogate_pair_is_a_problem_not_a_crash(value: object) -> None:
    (problem,) = JsonSchema({"maxLength": 3, "propertyNames": {"maxLength": 3}}).problems(value)
    assert "surrogate" in problem.message


def test_a_place_that_the_value_names_is_told_in_short() -> None:
    (problem,) = JsonSchema({"additionalProperties": {"type": "string"}}).problems({"k" * 5_000: 1})
    assert problem.path == ("k" * 100,)
    assert "not of type" in str(problem)


def test_the_number_of_problems_is_bounded() -> None:
    assert len(list(JsonSchema({"items": {"type": "string"}}).problems([1] * 1000))) == 20
