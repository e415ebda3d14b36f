"""What /openapi.json says about the routes of runs and human tasks."""

from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from kneo_project.api.answers import refusals
from tests.api.conftest import Api
from tests.api.specs import workflow

OPERATIONS = [
    ("/v1/runs", "get"),
    ("/v1/runs", "post"),
    ("/v1/runs/{run_id}", "get"),
    ("/v1/runs/{run_id}/cancel", "post"),
    ("/v1/runs/{run_id}/checkpoints", "get"),
    ("/v1/runs/{run_id}/trace", "get"),
    ("/v1/human-tasks", "get"),
    ("/v1/human-tasks/{continuation_id}", "get"),
    ("/v1/human-tasks/{continuation_id}/resume", "post"),
]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    published: dict[str, Any] = Client().get("/openapi.json").json()
    return published


def refuted(document: dict[str, Any], schema: dict[str, Any], value: object) -> list[str]:
    """Return what is wrong with ``value``, by ``schema`` within ``document``."""
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_has_an_example_of_every_answer_that_fits_its_schema(
    document: dict[str, Any], path: str, method: str
) -> None:
    operation = document["paths"][path][method]
    for status, response in operation["responses"].items():
        body = response["content"]["application/json"]
        assert body["examples"], status
        for example in body["examples"].values():
            assert refuted(document, body["schema"], example["value"]) == [], status


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_is_there_without_the_prefix_too(document: dict[str, Any], path: str, method: str) -> None:
    assert method in document["paths"][path.removeprefix("/v1")]


def test_the_examples_of_orders_fit_their_schema(document: dict[str, Any]) -> None:
    for path in ("/v1/runs", "/v1/human-tasks/{continuation_id}/resume"):
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        (example,) = body["examples"].values()
        assert refuted(document, body["schema"], example["value"]) == []


def test_real_answers_fit_the_document(api: Api, document: dict[str, Any]) -> None:
    answer = api.run(workflow("a", "agent", "human"))
    run_id, task_id = answer["run_id"], answer["continuation_id"]
    for path in ("/runs", "/runs/{run_id}", "/runs/{run_id}/checkpoints", "/runs/{run_id}/trace", "/human-tasks"):
        schema = document["paths"][f"/v1{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert refuted(document, schema, api.get(path.format(run_id=run_id))) == [], path
    one = document["paths"]["/v1/human-tasks/{continuation_id}"]["get"]["responses"]["200"]
    schema = one["content"]["application/json"]["schema"]
    assert refuted(document, schema, api.get(f"/human-tasks/{task_id}")) == []


def test_a_question_with_a_form_and_its_answer_fit_the_document(api: Api, document: dict[str, Any]) -> None:
    form = {"type": "object", "properties": {"amount": {"type": "number"}}}
    task_id = api.run(workflow("a", "human", form=form))["continuation_id"]
    operation = document["paths"]["/v1/human-tasks/{continuation_id}"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    shown = api.get(f"/human-tasks/{task_id}")
    assert refuted(document, schema, shown) == []

    resume = document["paths"]["/v1/human-tasks/{continuation_id}/resume"]["post"]["requestBody"]
    body = resume["content"]["application/json"]["schema"]
    order = {"request_id": "r", "decision": "provided", "form": {"amount": 1}}
    assert refuted(document, body, order) == []
    assert refuted(document, body, {**order, "form": "words"}) != []


def test_a_route_that_needs_a_key_says_how_it_refuses() -> None:
    assert set(refusals("runs:read")) == {401, 403, 422, 429, 500, 503}


def test_no_two_operations_have_the_same_name(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
