"""The published OpenAPI document: every operation, parameter, field, word and default of it is served here.

What is more here is an addition, and may be.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "openapi.json").read_text())
METHODS = ("get", "post", "put")
# Each has an alias without the prefix, which serves the same and is not documented a second time.
OPERATIONS = [
    (path, method)
    for path, item in PUBLISHED["paths"].items()
    for method in METHODS
    if method in item and path.startswith("/v1/")
]


@cache
def ours() -> dict[str, Any]:
    """Return the document of this service."""
    document: dict[str, Any] = Client().get("/openapi.json").json()
    return document


def resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` without the reference, the null or the wrapping that it may come in."""
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            continue
        choices = [
            each
            for each in schema.get("anyOf", schema.get("oneOf", schema.get("allOf", ())))
            if each != {"type": "null"}
        ]
        if len(choices) != 1 or "properties" in schema:
            return dict(schema)
        schema = choices[0]


def body_of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the body of a request."""
    content = operation.get("requestBody", {}).get("content", {})
    return resolved(document, content.get("application/json", {}).get("schema", {}))


def answer_of(document: Mapping[str, Any], operation: Mapping[str, Any], status: str = "200") -> dict[str, Any]:
    """Return the schema of the answer with ``status``."""
    content = operation["responses"].get(status, {}).get("content", {})
    return resolved(document, content.get("application/json", {}).get("schema", {}))


def fields_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the fields of ``schema`` with their schemas, and what they are if they may not be there."""
    for name, field in schema.get("properties", {}).items():
        yield name, resolved(document, field) | {key: field[key] for key in ("default",) if key in field}


def _unordered(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_operation_is_served_with_and_without_the_prefix(path: str, method: str, db: None) -> None:
    assert method in ours()["paths"][path]
    filled = path.replace("{run_id}", "x").replace("{continuation_id}", "x").replace("{environment}", "x")
    for route in (filled, filled.removeprefix("/v1")):
        response = Client(raise_request_exception=False).options(route)
        assert response.status_code == 405, route
        assert method.upper() in response.headers["Allow"].split(", "), route


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_parameters_are_those_that_were_published(path: str, method: str) -> None:
    known = {(each["in"], each["name"]): each for each in ours()["paths"][path][method].get("parameters", ())}
    for parameter in PUBLISHED["paths"][path][method].get("parameters", ()):
        if parameter["in"] == "header":
            continue
        mine = known[parameter["in"], parameter["name"]]
        assert mine.get("required", False) == parameter["required"], parameter["name"]
        theirs, schema = resolved(PUBLISHED, parameter["schema"]), resolved(ours(), mine["schema"])
        for key in ("enum", "minimum", "maximum"):
            if key in theirs:
                assert _unordered(schema.get(key)) == _unordered(theirs[key]), (parameter["name"], key)
        if parameter["schema"].get("default") is not None:
            assert mine["schema"].get("default") == parameter["schema"]["default"], parameter["name"]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_body_takes_what_was_published(path: str, method: str) -> None:
    theirs, mine = (body_of(document, document["paths"][path][method]) for document in (PUBLISHED, ours()))
    known = dict(fields_of(ours(), mine))
    for name, field in fields_of(PUBLISHED, theirs):
        assert name in known, name
        for key in ("enum", "default"):
            if field.get(key) is not None:
                assert _unordered(known[name].get(key)) == _unordered(field[key]), (name, key)
    assert set(mine.get("required", ())) == set(theirs.get("required", ()))


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_answer_has_every_field_that_was_published(path: str, method: str) -> None:
    theirs, mine = (answer_of(document, document["paths"][path][method]) for document in (PUBLISHED, ours()))
    known = dict(fields_of(ours(), mine))
    missing = {name for name, _ in fields_of(PUBLISHED, theirs)} - known.keys()
    assert missing == set()
