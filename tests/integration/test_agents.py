"""Agents in runs: guardrails in every shape, what they remember, what the trace tells, rules that end a run."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from humantasks.rules import Decision
from kneo_project.audit.models import AuditEvent
from runs.models import Checkpoint, Run, TraceEvent
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.test_shapes import among, answer, graph, sequence
from tests.integration.test_shapes import spec_of as shaped
from tests.stubs.chat_server import ChatServer, completion, tool_call

SECRET = {"id": "secret", "type": "keyword", "config": {"keywords": ["hi>a"]}}
SHAPES: dict[str, dict[str, Any]] = {
    "sequential": sequence("a", "b"),
    "graph": graph([step("a"), step("b")], ("a", "b")),
    "concurrent": among("concurrent", "a", "b"),
    "handoff": among("handoff", "a", "b"),
    "group-chat": among("group-chat", "a", "b"),
    "nested": sequence(step("in", "deep", kind="workflow")),
    "as agent": sequence(step("in", "deep-agent", kind="agent")),
}


def guarded(workflow: dict[str, Any], **guardrail: Any) -> dict[str, Any]:
    """Return a spec whose root agent checks every step for the output of ``a``."""
    spec = shaped(workflow, deep=sequence("a", "b"))
    spec["components"]["agents"]["deep-agent"] = {"name": "deep-agent", "as_agent": "deep"}
    spec["agent"]["guardrails"] = {"workflow": [SECRET | guardrail]}
    return spec


def served(chat: ChatServer, name: str = "writer", **fields: Any) -> dict[str, Any]:
    """Return an agent whose model is the stub."""
    model = {"provider": "openai", "name": "small", "extra": {"base_url": chat.base_url}}
    preferences = {"preferred_mode": "native", "native_provider": "openai"}
    return {"name": name, "model": model, "runtime_preferences": preferences, "strategy": "react", **fields}


def finished(spec: dict[str, Any]) -> Run:
    """Return a run of ``spec``, advanced until it rests."""
    run = start(spec)
    advance(run)
    return run


def traced(run: Run, kind: str) -> list[TraceEvent]:
    """Return the trace events of ``run`` of one type."""
    return list(TraceEvent.objects.filter(run=run, type=kind))


@pytest.mark.parametrize("shape", SHAPES)
def test_what_must_not_flow_on_ends_the_run_in_every_shape(shape: str) -> None:
    run = finished(guarded(SHAPES[shape]))

    assert (run.status, run.error_type) == ("failed", "GuardrailViolation")
    assert "'secret' does not let the output of a step pass" in (run.error_message or "")
    assert not Checkpoint.objects.filter(run=run, output_text__contains="hi>a").exists()


@pytest.mark.parametrize("shape", SHAPES)
def test_only_what_passes_flows_on_in_every_shape(shape: str) -> None:
    run = finished(guarded(SHAPES[shape], action="redact"))

    redacted = "[redacted by workflow guardrail]"
    assert run.status == "completed"
    assert run.output_text == ("hi>b" if shape == "concurrent" else f"{redacted}>b")
    step_a = Checkpoint.objects.get(run=run, type="step_completed", step_id="a")
    assert (step_a.output_text, step_a.details["workflow_guardrails"]) == (
        redacted,
        [{"id": "secret", "action": "redact"}],
    )


@pytest.mark.parametrize("tolerance", [{"on_error": "continue"}, {"on_error": "retry", "max_retries": 3}])
def test_a_violation_is_not_worked_around(tolerance: dict[str, Any]) -> None:
    run = finished(guarded(sequence(step("a", **tolerance), "b")))

    assert (run.status, run.error_type) == ("failed", "GuardrailViolation")
    assert len(traced(run, "guardrail_triggered")) == 1


def test_an_agent_remembers_its_turns_in_the_run_and_no_others(chat: ChatServer) -> None:
    spec = spec_of(step("w", "writer", "agent"), step("o", "other", "agent"), step("again", "writer", "agent"))
    spec["components"]["agents"] = {"writer": served(chat), "other": served(chat, "other")}
    finished(spec)

    said = [message["content"] for message in chat.requests[2].body["messages"]]
    assert said == ["hi", "echo: hi", "echo: echo: hi"]
    assert len(chat.requests[1].body["messages"]) == 1


@pytest.mark.parametrize(
    ("mode", "earlier"),
    [("never", []), ("user_only", ["user"]), ("assistant_only", ["assistant"]), ("auto", ["user", "assistant"])],
)
def test_an_agent_is_told_of_its_turns_as_its_append_mode_says(chat: ChatServer, mode: str, earlier: list[str]) -> None:
    spec = shaped(among("group-chat", step("w", "writer", "agent"), rounds=2))
    spec["components"]["agents"]["writer"] = served(chat, defaults={"append_mode": mode})
    finished(spec)

    assert [message["role"] for message in chat.requests[1].body["messages"]] == [*earlier, "user"]


def test_a_branch_hears_nothing_of_the_turns_beside_it(chat: ChatServer, settings: Settings) -> None:
    settings.MAX_PARALLEL_STEPS = 1
    spec = shaped(among("concurrent", step("one", "writer", "agent"), step("two", "writer", "agent")))
    spec["components"]["agents"]["writer"] = served(chat)
    finished(spec)

    assert [len(request.body["messages"]) for request in chat.requests] == [1, 1]


def test_a_run_that_waited_for_a_person_remembers_the_same(chat: ChatServer) -> None:
    spec = spec_of(step("w", "writer", "agent"), step("boss", kind="human"), step("again", "writer", "agent"))
    spec["components"]["agents"]["writer"] = served(chat)
    spec["components"]["humans"] = {"boss": {}}
    answer(finished(spec), Decision.APPROVED)

    assert [message["content"] for message in chat.requests[-1].body["messages"]] == ["hi", "echo: hi", "echo: hi"]


def test_the_trace_tells_of_tools_and_guardrails(chat: ChatServer) -> None:
    chat.queue(tool_call("find", '{"query": "password=hunter2"}'), completion("done"))
    spec = spec_of(step("w", "writer", "agent"))
    spec["tools"] = {"find": {"description": "d", "implementation": "tests.integration.functions.find"}}
    rule = {"id": "loud", "type": "keyword", "action": "warn", "config": {"keywords": ["found"]}}
    spec["components"]["agents"]["writer"] = served(chat, tools=["find"], guardrails={"tool": [rule]})
    run = finished(spec)

    assert run.output_text == "done"
    (called,) = traced(run, "tool_completed")
    assert called.model["tool_name"] == "find"
    assert "hunter2" not in f"{called.input_preview} {called.output_preview}"
    (warned,) = traced(run, "guardrail_triggered")
    assert (warned.model["guardrail_id"], warned.metadata["stage"]) == ("loud", "tool")


def test_a_denied_tool_ends_the_run_and_is_told(chat: ChatServer) -> None:
    chat.queue(tool_call("find", '{"query": "see https://evil.example"}'))
    spec = spec_of(step("w", "writer", "agent", on_error="continue"))
    spec["tools"] = {"find": {"description": "d", "implementation": "tests.integration.functions.find"}}
    permissions = {"allowed_domains": ["acme.example"]}
    spec["components"]["agents"]["writer"] = served(chat, tools={"include": ["find"], "permissions": permissions})
    run = finished(spec)

    assert (run.status, run.error_type) == ("failed", "ToolMiddlewareViolation")
    (denied,) = traced(run, "tool_denied")
    assert "'evil.example'" in (denied.error or "")
    event = AuditEvent.objects.get(event_type="tool.denied", run_id=run.pk)
    assert event.metadata["tool"] == "find"
    assert (event.metadata["step"], "'evil.example'" in event.metadata["reason"]) == ("w", True)


def two_writers(chat: ChatServer, **fields: Any) -> dict[str, Any]:
    """Return a spec of two agent steps, each of which costs 18 tokens."""
    spec = spec_of(step("one", "writer", "agent"), step("two", "writer", "agent", **fields))
    spec["components"]["agents"]["writer"] = served(chat)
    return spec


@pytest.mark.parametrize(("budget", "asked"), [(1, 1), (18, 1), (19, 2), (None, 2)])
def test_a_run_is_stopped_before_the_call_that_its_budget_does_not_cover(
    chat: ChatServer, budget: int | None, asked: int
) -> None:
    run = start(two_writers(chat), token_budget=budget)
    advance(run)

    assert (len(chat.requests), run.total_tokens) == (asked, asked * 18)
    assert (run.status, run.error_type) == (("completed", None) if asked == 2 else ("failed", "TokenBudgetExceeded"))


def test_a_budget_that_is_spent_is_not_worked_around(chat: ChatServer, settings: Settings) -> None:
    settings.RUN_TOKEN_BUDGET = 18
    run = finished(two_writers(chat, on_error="continue", max_retries=2))

    assert (run.status, run.error_type, len(chat.requests)) == ("failed", "TokenBudgetExceeded", 1)


def test_a_failed_attempt_costs_what_it_costs(chat: ChatServer) -> None:
    chat.queue(completion("x"))
    spec = spec_of(step("w", "writer", "agent", on_error="continue"))
    rule = {"id": "no", "type": "keyword", "action": "retry", "config": {"keywords": ["echo", "x"]}}
    spec["components"]["agents"]["writer"] = served(chat, guardrails={"output": [rule]})
    run = finished(spec)

    assert (run.status, run.total_tokens) == ("failed", 3 * 18)


def test_a_run_calls_a_tool_of_an_mcp_server(chat: ChatServer, settings: Settings) -> None:
    settings.MCP_COMMANDS = (sys.executable,)
    chat.queue(tool_call("greet", '{"name": "Ada"}'), completion("done"))
    spec = spec_of(step("write", "writer", "agent"))
    arguments = ["-m", "tests.stubs.mcp_server", "stdio"]
    root = str(Path(__file__).parents[2])
    spec["mcp_servers"] = {"stub": {"transport": "stdio", "command": sys.executable, "args": arguments, "cwd": root}}
    spec["tools"] = {"greet": {"description": "Greet.", "mcp": {"server": "stub"}}}
    spec["components"]["agents"]["writer"] = served(chat, tools=["greet"])

    run = finished(spec)

    assert (run.status, run.output_text) == ("completed", "done")
    (called,) = traced(run, "tool_completed")
    assert (called.model["tool_name"], called.output_preview) == ("greet", "hello Ada")


def test_the_record_of_a_step_tells_who_answered_and_for_how_much(chat: ChatServer) -> None:
    spec = spec_of(step("write", "writer", "agent"))
    spec["components"]["agents"]["writer"] = served(chat)
    run = finished(spec)
    details = Checkpoint.objects.get(run=run, type="step_completed").details
    assert details["model"] == {"provider": "openai", "name": "small"}
    assert details["usage"] == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
