"""What pydantic says about a document, in the words of the language: one finding that sums up every problem."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from specs.language.diagnostics import Finding, Location, path_of
from specs.language.schema import Spec
from specs.language.schema.workflows import SHAPES
from specs.language.suggesting import closest, look_alike

MOST_PROBLEMS = 50
WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a key of the language",
    "string_type": "must be text",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "list_type": "must be a list",
    "invalid_key": "must have text keys",
    "union_tag_not_found": "needs a `type`",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}


def schema_finding(error: ValidationError) -> Finding:
    """Return the E_SCHEMA finding for ``error``; it never repeats a value of the document, which may be secret."""
    details = error.errors(include_url=False, include_context=True, include_input=True)
    problems = [_problem(detail) for detail in details[:MOST_PROBLEMS]]
    if len(details) > MOST_PROBLEMS:
        problems.append(f"and {len(details) - MOST_PROBLEMS} more")
    suggestions = [found for detail in details[:MOST_PROBLEMS] if (found := _suggestion(detail))]
    return Finding(
        "E_SCHEMA",
        (),
        f"The document does not match the v1 language: {'; '.join(problems)}.",
        " ".join(dict.fromkeys(suggestions)) or None,
        near=_location(details[0]["loc"]),
        problems=tuple(_single(detail) for detail in details[:MOST_PROBLEMS]),
    )


def _single(detail: ErrorDetails) -> Finding:
    at = _location(detail["loc"])
    subject = "The document" if not at else "This item" if isinstance(at[-1], int) else f"`{at[-1]}`"
    return Finding("E_SCHEMA", at, f"{subject} {_words(detail)}.", _suggestion(detail))


def _problem(detail: ErrorDetails) -> str:
    where = path_of(_location(detail["loc"])) or "the document"
    return f"{where} {_words(detail)}"


def _words(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(context["error"])
    if detail["type"] == "literal_error":
        return f"must be {context['expected']}"
    if detail["type"] == "union_tag_invalid":
        return f"has an unknown type; it must be one of {context['expected_tags']}"
    return WORDS.get(detail["type"]) or detail["msg"].replace("Input should", "must").replace("Input", "value")


def _suggestion(detail: ErrorDetails) -> str | None:
    if detail["type"] == "extra_forbidden":
        *around, key = detail["loc"]
        return _did_you_mean(key, _keys_at(tuple(around)))
    if detail["type"] == "literal_error":
        return _did_you_mean(detail["input"], _quoted(detail["ctx"]["expected"]))
    if detail["type"] == "union_tag_invalid":
        return _did_you_mean(detail["ctx"]["tag"], _quoted(detail["ctx"]["expected_tags"]))
    return None


def _did_you_mean(word: object, names: Sequence[str]) -> str | None:
    name = closest(word, names)
    return f"Did you mean {name!r} instead of {word!r}?{look_alike(str(word), name)}" if name else None


def _quoted(text: str) -> list[str]:
    return re.findall(r"'([^']*)'", text)


def _location(loc: Location) -> Location:
    """Return ``loc`` without what is no key of the document: the shape of a workflow, pydantic's mark for a key."""
    parts = [part for part in loc if part != "[key]"]
    for index in (1, 3):
        inside = parts[0] == "workflow" if index == 1 else parts[:2] == ["components", "workflows"]
        if parts and inside and len(parts) > index and parts[index] in SHAPES:
            del parts[index]
    return tuple(parts)


@cache
def _json_schema() -> Mapping[str, Any]:
    return Spec.model_json_schema(by_alias=True)


def _keys_at(loc: Location) -> list[str]:
    node = _resolved(_json_schema())
    for part in loc:
        node = _resolved(_child(node, part))
    return list(node.get("properties", {}))


def _child(node: Mapping[str, Any], part: str | int) -> Mapping[str, Any]:
    """Return the schema of what lies under ``part``: an index, the shape of a workflow, a known key or a free name."""
    if isinstance(part, int):
        found = node.get("items", {})
    elif "discriminator" in node:
        found = {"$ref": node["discriminator"]["mapping"][part]}
    else:
        found = node.get("properties", {}).get(part) or node.get("additionalProperties")
    return found if isinstance(found, Mapping) else {}


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node or "anyOf" in node:
        if "$ref" in node:
            node = _json_schema()["$defs"][node["$ref"].rpartition("/")[2]]
        else:
            node = next(option for option in node["anyOf"] if option.get("type") != "null")
    return node
