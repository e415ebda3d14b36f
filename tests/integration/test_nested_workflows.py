"""Workflows asked in the middle of an agent's turn: as tools, as guardrails, for memory."""

from collections.abc import Mapping
from typing import Any

import pytest
from pytest_django import Settings

from humantasks.rules import Decision
from kneo_project.prices import read_prices
from runs.models import Run
from tests.integration.driving import advance, start, step
from tests.integration.functions import CALLS
from tests.integration.test_agents import served, traced
from tests.integration.test_shapes import among, answer, graph, sequence
from tests.integration.test_shapes import spec_of as shaped
from tests.stubs.chat_server import Answer, ChatServer, completion, tool_call

SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "sequential": (sequence("a", "b"), "q>a>b"),
    "graph": (graph([step("a"), step("b"), step("c")], ("a", "c"), ("c", "b")), "q>a>c>b"),
    "concurrent": (among("concurrent", "a", "b"), "q>b"),
    "concurrent, some at a time": (among("concurrent", "a", "b", "c", max_parallel=2), "q>c"),
    "handoff": (among("handoff", "a", "b"), "q>a>b"),
    "group-chat": (among("group-chat", "a", "b", rounds=2), "q>a>b>a>b"),
    "nested": (sequence("a", step("in", "inner", kind="workflow")), "q>a>b>c"),
    "stands for another": (sequence("a", step("crew", kind="agent")), "q>a>b>c"),
    "fallback": (sequence(step("boom", on_error="fallback", fallback_ref="b"), "b"), "q>b>b"),
    "tolerated": (sequence(step("boom", on_error="continue"), "b"), "q>b"),
    "tried again": (sequence(step("flaky", max_retries=1), "b"), "q>flaky>b"),
}


@pytest.fixture(autouse=True)
def at_once(settings: Settings) -> None:
    """Try steps again without a pause."""
    settings.STEP_RETRY_BACKOFF_SECONDS = 0.0


def spec_of(chat: ChatServer, workflow: dict[str, Any], text: str = "q") -> dict[str, Any]:
    """Return a spec whose writer has the workflow as a tool, which its model calls once with ``text``."""
    chat.otherwise = lambda body: (
        completion("done") if body["messages"][-1]["role"] == "tool" else tool_call("desk", f'{{"input": "{text}"}}')
    )
    spec = shaped(sequence(step("w", "writer", "agent")), work=workflow)
    spec["tools"] = {"desk": {"description": "Ask the desk.", "agent": "desk"}}
    spec["components"]["agents"] |= {
        "writer": served(chat, tools=["desk"]),
        "desk": {"name": "desk", "as_agent": "work"},
    }
    return spec


def finished(spec: dict[str, Any], **fields: Any) -> Run:
    """Return a run of ``spec``, advanced until it rests."""
    run = start(spec, **fields)
    advance(run)
    return run


def heard(chat: ChatServer) -> str:
    """What the model was told of its tool."""
    [told] = [message["content"] for message in chat.requests[-1].body["messages"] if message["role"] == "tool"]
    return str(told)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tool_is_a_workflow_of_any_shape(chat: ChatServer, shape: str) -> None:
    workflow, result = SHAPES[shape]
    run = finished(spec_of(chat, workflow))
    assert (run.status, run.output_text, heard(chat)) == ("completed", "done", result)


def test_a_tool_works_on_each_item_of_a_list(chat: ChatServer) -> None:
    run = finished(spec_of(chat, {"type": "map", "step": step("a")}, text='[\\"x\\", \\"y\\"]'))
    assert (run.status, heard(chat)) == ("completed", '["x>a", "y>a"]')


def test_the_trace_tells_of_the_workflow_and_its_steps(chat: ChatServer) -> None:
    run = finished(spec_of(chat, sequence(step("boom", on_error="continue"), "b", name="the desk")))
    names = [event.metadata["workflow_name"] for event in traced(run, "workflow_started")]
    assert names == ["flow", "the desk"]
    [failure] = traced(run, "step_failed")
    assert (failure.metadata["step_id"], "boom q" in (failure.error or "")) == ("boom", True)
    assert {event.step_id for event in traced(run, "tool_completed")} == {"w"}


def test_a_workflow_that_fails_is_told_to_the_model(chat: ChatServer) -> None:
    run = finished(spec_of(chat, sequence("a", "boom")))
    assert run.status == "completed"
    assert "The workflow 'work' failed: boom q>a" in heard(chat)


def test_a_step_that_takes_too_long_fails(chat: ChatServer) -> None:
    run = finished(spec_of(chat, sequence(step("slow", timeout_seconds=1, on_error="continue"), "b")))
    assert (run.status, heard(chat)) == ("completed", "q>b")


def test_a_workflow_inside_that_takes_too_long_fails_as_a_step(chat: ChatServer) -> None:
    inner = step("in", "slowly", kind="workflow", timeout_seconds=1, on_error="continue")
    spec = spec_of(chat, sequence(inner, "b"))
    spec["components"]["workflows"]["slowly"] = sequence("slow")
    run = finished(spec)
    assert (run.status, heard(chat)) == ("completed", "q>b")


def test_what_must_not_flow_on_ends_the_whole_run(chat: ChatServer) -> None:
    spec = spec_of(chat, sequence("a", "b"))
    rule = {"id": "secret", "type": "keyword", "config": {"keywords": ["q>a"]}}
    spec["agent"]["guardrails"] = {"workflow": [rule]}
    run = finished(spec)
    assert (run.status, run.error_type, CALLS["b"]) == ("failed", "GuardrailViolation", 0)


def test_what_its_agents_use_is_used_by_the_run(chat: ChatServer, settings: Settings) -> None:
    settings.MODEL_PRICES = read_prices(["small=1/1"])
    spec = spec_of(chat, sequence(step("one", "clerk", "agent"), step("two", "clerk", "agent")))
    spec["components"]["agents"]["clerk"] = served(chat, "clerk")
    chat.otherwise = lambda body: (
        tool_call("desk", '{"input": "q"}') if len(body["messages"]) == 1 and "tools" in body else completion("ok")
    )
    run = finished(spec)
    assert (run.status, run.total_tokens, run.cost_nanos) == ("completed", 4 * 18, 4 * 18_000)
    assert [message["content"] for message in chat.requests[2].body["messages"]] == ["q", "ok", "ok"]

    stopped = finished(spec, token_budget=36)
    assert (stopped.error_type, stopped.total_tokens) == ("TokenBudgetExceeded", 36)


def test_a_workflow_is_a_guardrail(chat: ChatServer) -> None:
    spec = spec_of(chat, sequence("a"))
    rule = {"id": "desk", "type": "agent", "ref": "desk", "action": "block"}
    spec["components"]["agents"]["writer"] = {"name": "writer", "guardrails": {"output": [rule]}}
    run = finished(spec)
    assert (run.status, run.error_type) == ("failed", "GuardrailViolation")
    assert CALLS["a"] == 1


def test_a_workflow_summarises_for_memory(chat: ChatServer) -> None:
    spec = spec_of(chat, sequence("a"))
    memory = {"policy": "summary", "summarizer": {"ref": "desk"}}
    spec["components"]["agents"]["writer"] = served(chat, memory=memory)
    spec["workflow"] = sequence(step("w", "writer", "agent"), step("v", "writer", "agent"))
    chat.otherwise = lambda body: completion("yes")
    finished(spec)
    said = [message["content"] for message in chat.requests[1].body["messages"]]
    assert said == ["Conversation summary:\nuser: hi\nassistant: yes>a", "yes"]


def test_nothing_is_done_twice_when_a_person_is_asked_in_the_middle(chat: ChatServer) -> None:
    spec = spec_of(chat, sequence("a", step("pay", "clerk", "agent"), "b"))
    spec["tools"]["find"] = {
        "description": "d",
        "implementation": "tests.integration.functions.find",
        "approval": "always",
    }
    spec["components"]["agents"]["clerk"] = served(chat, "clerk", tools=["find"])

    def model(body: Mapping[str, Any]) -> Answer:
        if body["messages"][-1]["role"] == "tool":
            return completion("done")
        return tool_call(*(("desk", '{"input": "q"}') if len(body["messages"][0]["content"]) == 2 else FIND))

    chat.otherwise = model
    run = finished(spec)
    assert (run.status, CALLS["a"], CALLS["b"]) == ("blocked", 1, 0)
    answer(run, Decision.APPROVED)
    assert (run.status, run.output_text, heard(chat)) == ("completed", "done", "done>b")
    assert (CALLS["a"], CALLS["b"], len(chat.requests)) == (1, 1, 4)


FIND = ("find", '{"query": "x"}')
