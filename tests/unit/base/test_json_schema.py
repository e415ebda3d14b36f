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


TREE = {"$ref": "#/$defs/tree"}
BRANCHING = {"anyOf": [{"type": "string"}, *[{"type": "array", "items": TREE}] * 2]}
# Each of these is judged in 2 to the power of the levels of the value, or in 3 to the power of 9 ways.
MULTIPLYING: list[dict[str, object]] = [
    {**TREE, "$defs": {"tree": BRANCHING}},
    {"anyOf": [{"type": "string"}, *[{"type": "array", "items": {"$ref": "#"}}] * 2]},
    {"anyOf": [{"type": "string"}, *[{"type": "array", "items": {"$ref": "#tree"}}] * 2], "$anchor": "tree"},
    {
        "items": {"$ref": "#/$defs/0"},
        "$defs": {str(n): {"anyOf": [{"$ref": f"#/$defs/{n + 1}"}] * 3} for n in range(9)} | {"9": {"type": "string"}},
    },
]


@pytest.mark.parametrize("schema", MULTIPLYING)
@pytest.mark.timeout(10)
def test_a_schema_whose_branches_multiply_cannot_hold_a_process_up(schema: dict[str, object]) -> None:
    (problem,) = JsonSchema(schema).problems([nested(80)] * 20)
    assert str(problem) == "the value does not fit the schema, which has too many ways to say where"


def test_what_fits_such_a_schema_fits() -> None:
    fitting: object = "leaf"
    for _ in range(80):
        fitting = [fitting]
    assert not list(JsonSchema(MULTIPLYING[0]).problems(fitting))


@pytest.mark.timeout(10)
def test_what_asks_each_branch_is_not_judged_where_they_multiply() -> None:
    layers = {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 3, "unevaluatedItems": False} for n in range(9)}
    schema = JsonSchema({"items": {"$ref": "#/$defs/0"}, "$defs": layers | {"9": {"items": True}}})
    (problem,) = schema.problems([[1]] * 100)
    assert str(problem) == "the schema has too many ways to judge the value"


def test_a_usual_schema_says_where_however_much_it_refers_to() -> None:
    address = {"type": "object", "properties": {"lines": {"type": "array", "items": {"type": "string"}}}}
    many = {f"address_{number}": {"$ref": "#/$defs/address"} for number in range(30)}
    schema = JsonSchema({"type": "object", "properties": many, "$defs": {"address": address}})
    (problem,) = schema.problems({name: {"lines": ["a"] * 100 + [1] * (name == "address_7")} for name in many})
    assert problem.where == "address_7.lines.100"
    tree = JsonSchema({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}})
    value: object = 1
    for side in ("left", "right") * 20:
        value = {side: value}
    (problem,) = tree.problems(value)
    assert problem.where.startswith("right.left.right")
