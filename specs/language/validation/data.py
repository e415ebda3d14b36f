"""Typed data: schemas of functions, forms of people, and the variables that both set; how many people are asked."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kneo_project.json_schema import JsonSchema, UnsoundSchema
from specs.language.diagnostics import Finding, Location
from specs.language.limits import MOST_APPROVALS
from specs.language.schema import Spec
from specs.language.schema.components import FunctionSpec, HumanSpec
from specs.language.suggesting import did_you_mean

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
MOST_VARIABLES = 100


def data_findings(spec: Spec) -> Iterator[Finding]:
    """Yield schemas and forms that cannot be applied, and variables that cannot be set."""
    names: set[str] = set()
    for name, function in spec.components.functions.items():
        yield from _function(function, ("components", "functions", name))
        names.update(function.sets)
    for name, human in spec.components.humans.items():
        yield from _human(human, ("components", "humans", name))
        names.update(human.sets)
    for signal in spec.components.signals.values():
        names.update(signal.sets)
    if len(names) > MOST_VARIABLES:
        message = f"The components set {len(names)} variables; a run has at most {MOST_VARIABLES}."
        yield Finding("E_VARIABLE", ("components",), message)


def _function(function: FunctionSpec, at: Location) -> Iterator[Finding]:
    for key in ("input_schema", "output_schema"):
        if problem := schema_problem(getattr(function, key)):
            message = f"The `{key}` is not a JSON Schema that can be applied: {problem}."
            yield Finding("E_FUNCTION_SCHEMA", (*at, key), message)
    yield from variable_findings(function.sets, at)


def _human(human: HumanSpec, at: Location) -> Iterator[Finding]:
    if problem := schema_problem(human.form):
        message = f"The `form` is not a JSON Schema that can be applied: {problem}."
        yield Finding("E_HUMAN_FORM", (*at, "form"), message)
    elif human.form is not None and not _is_form(human.form):
        yield Finding("E_HUMAN_FORM", (*at, "form"), "A form is a schema with `type: object` and `properties`.")
    if not 1 <= human.approvals <= MOST_APPROVALS:
        message = f"A question is answered by 1 to {MOST_APPROVALS} people, not by {human.approvals}."
        yield Finding("E_HUMAN_APPROVALS", (*at, "approvals"), message)
    yield from variable_findings(human.sets, at)
    fields = human.form["properties"] if human.form is not None and _is_form(human.form) else {}
    for variable, key in human.sets.items():
        if key not in fields:
            message = f"The variable {variable!r} is set from {key!r}, which is not a property of the form."
            yield Finding("E_VARIABLE", (*at, "sets", variable), message, did_you_mean(key, fields))


def schema_problem(schema: Mapping[str, Any] | None) -> str | None:
    """Return why ``schema`` cannot be applied, or None when it can."""
    try:
        if schema is not None:
            JsonSchema(schema)
    except UnsoundSchema as error:
        return str(error)
    return None


def _is_form(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" and isinstance(schema.get("properties"), Mapping)


def variable_findings(sets: Mapping[str, str], at: Location) -> Iterator[Finding]:
    """Yield the variables that the component at ``at`` sets and that have no proper name."""
    for variable in sets:
        if not NAME.fullmatch(variable):
            message = "The name of a variable is a letter or `_`, then at most 63 letters, digits, `_`, `.` and `-`."
            yield Finding("E_VARIABLE", (*at, "sets", variable), message)
