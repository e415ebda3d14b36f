"""Schemas of functions, forms of people, variables."""

from typing import Any

import pytest

from specs.language.checking import check
from tests.unit.specs.factories import document, found_in

FORM = {"type": "object", "properties": {"amount": {"type": "number"}}}


def function(**fields: Any) -> dict[str, Any]:
    return document(components={"functions": {"f": {"implementation": "acme.f", **fields}}})


def human(**fields: Any) -> dict[str, Any]:
    return document(components={"humans": {"h": fields}})


@pytest.mark.parametrize("key", ["input_schema", "output_schema"])
def test_a_schema_of_a_function_can_be_applied(key: str) -> None:
    assert found_in(function(**{key: {"type": "objekt"}})) == [("E_FUNCTION_SCHEMA", f"components.functions.f.{key}")]
    assert found_in(function(**{key: {"type": "object"}})) == []


@pytest.mark.parametrize(
    "form",
    [
        {"type": "objekt"},
        {"type": "string"},
        {"properties": {}},
        {"type": "object"},
        {},
        {"type": "object", "properties": {"a": {"$ref": "https://example.org/x"}}},
        {"type": "object", "properties": {"a": {"pattern": "(?=x)"}}},
    ],
)
def test_a_form_is_an_object_whose_schema_can_be_applied(form: dict[str, Any]) -> None:
    assert found_in(human(form=form)) == [("E_HUMAN_FORM", "components.humans.h.form")]


@pytest.mark.parametrize("approvals", [-1, 0, 11, 2**40])
def test_a_question_is_answered_by_some_people_and_not_too_many(approvals: int) -> None:
    assert found_in(human(approvals=approvals)) == [("E_HUMAN_APPROVALS", "components.humans.h.approvals")]
    assert found_in(human(approvals=1)) == found_in(human(approvals=10, exclude_requester=True)) == []


def test_an_answer_sets_variables_from_fields_of_its_form() -> None:
    assert found_in(human(form=FORM, sets={"limit": "amount"})) == []
    (found,) = check(human(form=FORM, sets={"limit": "amout"}))
    assert (found.code, found.path) == ("E_VARIABLE", "components.humans.h.sets.limit")
    assert found.suggestion == "Did you mean 'amount'?"
    assert found_in(human(sets={"limit": "amount"})) == [("E_VARIABLE", "components.humans.h.sets.limit")]


@pytest.mark.parametrize("name", ["", "1st", "a b", "x" * 65, "a\n"])
def test_a_variable_has_a_name(name: str) -> None:
    assert [found.code for found in check(function(sets={name: "key"}))] == ["E_VARIABLE"]


def test_a_run_has_so_many_variables_at_most() -> None:
    assert found_in(function(sets={f"v{number}": "key" for number in range(100)})) == []
    assert found_in(function(sets={f"v{number}": "key" for number in range(101)})) == [("E_VARIABLE", "components")]
