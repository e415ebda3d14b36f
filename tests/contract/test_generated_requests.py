"""Requests nobody thought of, made from the OpenAPI document: each is answered as the document says."""

import functools
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from pytest_django import Settings
from schemathesis import Case, CheckContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from kneo_project.api.limits import count_chunked
from kneo_project.celery import app

pytestmark = pytest.mark.django_db(transaction=True)

YES_AND_NO = (0, 1)
EXAMPLES = int(os.environ.get("KNEO_TEST_EXAMPLES", "2"))  # of each route; make verify asks for more
STORIES = 15 * EXAMPLES
PATIENT = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
KEY = "a-key-for-generated-requests"


@schemathesis.hook
def before_load_schema(_context: object, raw: dict[str, Any]) -> None:
    """Leave one way to say who calls: of two, the tool takes each for needed."""
    del raw["components"]["securitySchemes"]["headerKey"]
    for operation in (operation for item in raw["paths"].values() for operation in item.values()):
        operation["security"] = [way for way in operation.get("security", []) if "headerKey" not in way]


def refuses_wrong_data(context: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """As the tool's own check, which this takes the place of; but 0 and 1 are taken for no and yes, as published."""
    return None if _has_numbers_for_flags(case.body) else negative_data_rejection(context, response, case)


CHECKS: dict[str, Any] = {"excluded_checks": [negative_data_rejection], "additional_checks": [refuses_wrong_data]}


def _has_numbers_for_flags(body: object) -> bool:
    return isinstance(body, dict) and any(
        (type(value) is int and value in YES_AND_NO) or _has_numbers_for_flags(value)
        for name, value in body.items()
        if name in flags() or isinstance(value, dict)
    )


@functools.cache
def flags() -> frozenset[str]:
    """Return the names of what is yes or no in the bodies of requests."""
    schemas = document.raw_schema["components"]["schemas"].values()
    properties = (pair for schema in schemas for pair in schema.get("properties", {}).items())
    return frozenset(name for name, told in properties if told.get("type") == "boolean")


config = SchemathesisConfig.from_str(
    """
    [generation]
    allow-x00 = false
    [checks.positive_data_acceptance]
    expected-statuses = ["2xx", 400, 401, 403, 404, 409, 422, 503]
    """
)
# Not kneo_project.wsgi, which looks at the tables before it serves: there are none yet.
application = count_chunked(get_wsgi_application())
document = schemathesis.openapi.from_wsgi("/openapi.json", application, config=config)
# A stream of events has no end, and the routes without the version are the same ones again.
routes = document.include(path_regex="^/v1/").exclude(path_regex="/events$")


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.API_KEYS = f"tester:{KEY}:admin"


@pytest.fixture(autouse=True)
def bell() -> Iterator[None]:
    """Let runs come to rest where they are rung for."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@routes.parametrize()
@settings(PATIENT)
def test_every_request_is_answered_as_documented(case: Case[Any]) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {KEY}"},
        excluded_checks=[negative_data_rejection],
        additional_checks=[refuses_wrong_data],
    )


def test_requests_that_follow_from_each_other_are_answered_as_documented() -> None:
    machine = routes.as_state_machine()
    found: set[str] = set()

    class Walk(machine):  # type: ignore[misc, valid-type]
        def before_call(self, case: Case[Any]) -> None:
            case.headers = cast("Any", {"Authorization": f"Bearer {KEY}"})

        def validate_response(self, response: Any, case: Case[Any], **_: Any) -> None:  # noqa: ANN401 - the tool's
            if response.status_code == 200 and case.path_parameters:
                found.add(f"{case.method} {case.path}")
            case.validate_response(
                response,
                excluded_checks=[negative_data_rejection],
                additional_checks=[refuses_wrong_data],
                headers={"Authorization": f"Bearer {KEY}"},
            )

    Walk.run(settings=settings(PATIENT, max_examples=STORIES, stateful_step_count=8))
    assert found
