"""Whether what a function is given, and what it gives, are what its schemas say."""

from collections.abc import Mapping
from typing import Any

from kneo_project.json_schema import JsonSchema
from kneo_project.strict_json import NotJson, read_json
from runs.agents.errors import AgentError, FunctionInputInvalid, FunctionOutputInvalid
from specs.language.plan import FunctionPlan


def check_input(function: FunctionPlan, text: str) -> None:
    """Do nothing, unless ``text`` is not what the function's ``input_schema`` says.

    Raises:
        FunctionInputInvalid: with the place of the first problem, never with the value.
    """
    _check(function.input_schema, text, FunctionInputInvalid, f"The input of {function.implementation}")


def check_output(function: FunctionPlan, text: str) -> None:
    """Do nothing, unless ``text`` is not what the function's ``output_schema`` says.

    Raises:
        FunctionOutputInvalid: with the place of the first problem, never with the value.
    """
    _check(function.output_schema, text, FunctionOutputInvalid, f"The result of {function.implementation}")


def _check(schema: Mapping[str, Any] | None, text: str, error: type[AgentError], what: str) -> None:
    if schema is None:
        return
    problem = JsonSchema(schema).first_problem(_judged(schema, text))
    if problem is not None:
        raise error(f"{what} does not match its schema: {problem}")


def _judged(schema: Mapping[str, Any], text: str) -> object:
    """Return the value that a schema judges: the text where it wants one, else the JSON that the text is, if it is."""
    if schema.get("type") == "string":
        return text
    try:
        return read_json(text)
    except NotJson:
        return text
