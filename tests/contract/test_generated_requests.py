"""Requests nobody thought of, made from the OpenAPI document: each is answered as the document says."""

import functools
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import Bundle, initialize
from hypothesis.strategies import sampled_from
from pytest_django import Settings
from schemathesis import Case, CheckContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection

from kneo_project.api.limits import count_chunked
from kneo_project.celery import app
from runs import heartbeat
from tests.api.specs import workflow
from tests.functions import UNREACHABLE

pytestmark = pytest.mark.django_db(transaction=True)

YES_AND_NO = (0, 1)
EXAMPLES = int(os.environ.get("KNEO_TEST_EXAMPLES", "2"))  # of each route; make verify asks for more
STORIES = 15 * EXAMPLES
MOST_ATTEMPTS = 5
MOST_ROUNDS = (
    12  # of stories about runs, a third as many in each: all of them have reached everything after about three
)
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
of_runs = document.include(path_regex="^/v1/(runs|human-tasks)").exclude(path_regex="/events$|/bulk")


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.API_KEYS = f"tester:{KEY}:admin"


@pytest.fixture(autouse=True)
def bell() -> Iterator[None]:
    """Let runs come to rest where they are rung for."""
    app.conf.task_always_eager = True
    yield
    heartbeat.retire()
    app.conf.task_always_eager = False


@routes.parametrize()
@settings(PATIENT)
def test_every_request_is_answered_as_documented(case: Case[Any]) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {KEY}"},
        excluded_checks=[negative_data_rejection],
        additional_checks=[refuses_wrong_data],
    )


def order(*steps: str, **more: object) -> dict[str, Any]:
    """Return an order of a run that is carried out: nobody makes a spec by chance."""
    return {"input": "hi", "spec": workflow(*steps), **more}


ORDERS = (
    order("a", "human", "b"),
    order("a", "human", async_mode=True),
    order("a", "agent", tags=["x"], metadata={"by": "chance"}),
    order("a", "shaky", async_mode=True, session_id="s"),
)


@contextmanager
def out_of_reach(step: str) -> Iterator[None]:
    """Let what does ``step`` be away during the block."""
    UNREACHABLE.add(step)
    try:
        yield
    finally:
        UNREACHABLE.discard(step)


def linked(document: Mapping[str, Any], source: str) -> set[str]:
    """Return the operations that the document says one can go on with after ``source``."""
    operations = {
        operation["operationId"]: (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    answers = operations[source][1]["responses"].values()
    return {operations[link["operationId"]][0] for answer in answers for link in answer.get("links", {}).values()}


def machine_of(routes: BaseSchema) -> tuple[Any, Counter[str]]:
    """Return what walks over the links of ``routes``, and the operations that were carried out while it did."""
    carried_out: Counter[str] = Counter()

    class Walk(routes.as_state_machine()):  # type: ignore[misc]
        def before_call(self, case: Case[Any]) -> None:
            case.headers = cast("Any", {"Authorization": f"Bearer {KEY}"})

        def validate_response(self, response: Any, case: Case[Any], **_: Any) -> None:  # noqa: ANN401 - the tool's
            if response.status_code in {200, 202}:
                carried_out[case.operation.label] += 1
            case.validate_response(
                response,
                excluded_checks=[negative_data_rejection],
                additional_checks=[refuses_wrong_data],
                headers={"Authorization": f"Bearer {KEY}"},
            )

    return Walk, carried_out


def go_for_walks(walk: Any, **how: Any) -> None:  # noqa: ANN401 - the tool's
    """Let the tool walk, as far as it gets.

    What it draws follows from the answers, and these from all the walks before: where two that began alike went on
    differently it takes its own strategy for flaky, and stops. It has found nothing then: a wrong answer is another
    error. So it walks again, by chance, and whoever asks looks at what was carried out.
    """
    for attempt in range(MOST_ATTEMPTS):
        with suppress(FlakyStrategyDefinition):
            walk.run(settings=settings(PATIENT, **how | ({"derandomize": False} if attempt else {})))
            return


def test_requests_that_follow_from_each_other_are_answered_as_documented() -> None:
    walk, carried_out = machine_of(routes)
    go_for_walks(walk, max_examples=STORIES, stateful_step_count=8)
    assert carried_out


def test_requests_about_a_run_are_answered_as_documented_whatever_became_of_it() -> None:
    """Stories that begin with a run.

    By itself the tool begins none with ``POST /v1/runs``: the body may name a session, which it takes for something
    that another operation makes first, and there is none; nor would it make up a spec that can be run.
    """
    walk, carried_out = machine_of(of_runs)

    class Walk(walk):  # type: ignore[misc, valid-type]
        @initialize(target=Bundle("catch_all"), body=sampled_from(ORDERS))
        def order_a_run(self, body: dict[str, Any]) -> StepOutput:
            case = self.schema["/v1/runs"]["POST"].Case(body=body, media_type="application/json")
            self.recorder.record_case(case=case)
            with out_of_reach("shaky"):
                return cast("StepOutput", self.step(StepInput.initial(case)))

    for other_beginning in walk.root_rules:
        setattr(Walk, other_beginning, None)
    reachable = linked(document.raw_schema, "post_v1_runs")
    for _ in range(MOST_ROUNDS):
        go_for_walks(Walk, derandomize=False, max_examples=STORIES // 3, stateful_step_count=16)
        if reachable <= carried_out.keys():
            break
    assert reachable - carried_out.keys() == set()
    assert len(reachable) > 10
