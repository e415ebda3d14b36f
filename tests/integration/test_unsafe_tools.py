"""Tools that must not be called twice, in steps that fail after they called one."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from runs.executor import Rest
from runs.models import Run
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.functions import CALLS
from tests.integration.test_agents import served
from tests.integration.test_shapes import sequence
from tests.stubs.chat_server import Answer, ChatServer, failure, tool_call

PAY = {"description": "Pay.", "implementation": "tests.integration.functions.pay"}
PAYS = tool_call("pay", '{"query": "Ada"}')


@pytest.fixture(autouse=True)
def at_once(settings: Settings) -> None:
    """Try steps again without a pause, also those that took too long."""
    settings.PROVIDER_RETRIES = 0
    settings.STEP_RETRY_BACKOFF_SECONDS = 0.0
    settings.WORKFLOW_RETRY_ON_TIMEOUT = True


def run_of(chat: ChatServer, tool: dict[str, Any], **fields: Any) -> Run:
    """Return a run of a payer whose step may be tried again, advanced until it rests."""
    spec = spec_of(step("settle", "payer", "agent", max_retries=1, **fields))
    spec["tools"] = {"pay": PAY | tool}
    spec["components"]["agents"]["payer"] = served(chat, "payer", tools=["pay"])
    return ended(spec)


def ended(spec: dict[str, Any]) -> Run:
    """Return a run of ``spec``, advanced until nothing is to be tried again."""
    run = start(spec)
    while advance(run).rest is Rest.RETRY_LATER:
        Run.objects.filter(pk=run.pk).update(wake_at=timezone.now() - timedelta(seconds=1))
    return run


@pytest.mark.parametrize(("is_unsafe", "calls"), [(True, 1), (False, 2)])
def test_a_step_that_fails_after_such_a_call_is_not_tried_again(
    chat: ChatServer, *, is_unsafe: bool, calls: int
) -> None:
    chat.queue(PAYS, failure(500), PAYS, failure(500))
    run = run_of(chat, {"retry_unsafe": is_unsafe})
    assert (run.status, run.error_type, CALLS["pay"]) == ("failed", "ProviderError", calls)


def test_a_step_that_takes_too_long_after_such_a_call_is_not_tried_again(chat: ChatServer) -> None:
    chat.queue(PAYS, Answer(after_seconds=None), PAYS)
    run = run_of(chat, {"retry_unsafe": True}, timeout_seconds=1)
    assert (run.status, run.error_type, CALLS["pay"]) == ("failed", "RetryTimeoutError", 1)


def test_a_step_that_fails_before_such_a_call_is_tried_again(chat: ChatServer) -> None:
    chat.queue(failure(500), PAYS)
    run = run_of(chat, {"retry_unsafe": True})
    assert (run.status, CALLS["pay"]) == ("completed", 1)


def test_a_failure_after_such_a_call_may_be_tolerated(chat: ChatServer) -> None:
    chat.queue(PAYS, failure(500))
    run = run_of(chat, {"retry_unsafe": True}, on_error="continue")
    assert (run.status, CALLS["pay"]) == ("completed", 1)


def test_a_step_of_a_workflow_that_an_agent_asks_is_not_tried_again_either(chat: ChatServer) -> None:
    chat.queue(tool_call("desk", '{"input": "q"}'), PAYS, failure(500), PAYS, failure(500))
    spec = spec_of(step("w", "writer", "agent"))
    spec["tools"] = {"desk": {"description": "d", "agent": "desk"}, "pay": PAY | {"retry_unsafe": True}}
    spec["components"]["workflows"] = {"work": sequence(step("settle", "payer", "agent", max_retries=1))}
    spec["components"]["agents"] |= {
        "writer": served(chat, tools=["desk"]),
        "desk": {"name": "desk", "as_agent": "work"},
        "payer": served(chat, "payer", tools=["pay"]),
    }
    ended(spec)
    assert CALLS["pay"] == 1
