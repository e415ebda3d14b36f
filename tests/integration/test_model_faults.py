"""What a model or a server of tools can do wrong on the wire: how the run ends, and what its trace tells of it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from humantasks.models import HumanTask
from humantasks.rules import Decision
from runs.models import Run, TraceEvent
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.test_shapes import answer
from tests.stubs.chat_server import Answer, ChatServer, completion, failure, pieces, tool_call
from tests.unit.agents.test_anthropic import message, said
from tests.unit.agents.test_streams import OPENING, STOP, TEXT, chunk

LONG = "long " * 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the endpoint answers, and what follows: the events of the trace that tell of it, by type and word."""

    answers: tuple[Answer, ...]
    ends: str
    events: tuple[tuple[str, str], ...]
    asked: int
    output: str | None = None
    extra: dict[str, Any] | None = None
    provider: str = "openai"


OK = completion("fine")
STREAM = {"stream": True}
FAULTS = {
    "429 with Retry-After": Fault(
        answers=(failure(429, Retry_After="0.3"), OK),
        ends="completed",
        events=(("model_call_failed", "429"),),
        asked=2,
    ),
    "500 twice, then 200": Fault(
        answers=(failure(500), failure(500), OK),
        ends="completed",
        events=(("model_call_failed", "500"), ("model_call_failed", "500")),
        asked=3,
    ),
    "500 for ever": Fault(
        answers=(failure(500),) * 9,
        ends="ProviderError",
        events=(("model_call_failed", "500"),) * 3 + (("step_failed", "500"),),
        asked=3,
    ),
    "hangs": Fault(
        answers=(Answer(after_seconds=None),) * 9,
        ends="ProviderTimeout",
        events=(("model_call_failed", "did not answer"),) * 3 + (("step_failed", "did not answer"),),
        asked=3,
    ),
    "drops in the middle": Fault(
        answers=(completion("half an answer", is_cut_short=True), OK),
        ends="completed",
        events=(("model_call_failed", "could not be reached"),),
        asked=2,
    ),
    "drops in the middle of a stream": Fault(
        answers=(pieces(chunk(content="half")), pieces(chunk("stop", content="fine"))),
        ends="completed",
        events=(("model_call_failed", "broke off"),),
        asked=2,
        extra=STREAM,
    ),
    "malformed JSON": Fault(
        answers=(Answer(body=b'{"choices": ['),),
        ends="ProviderError",
        events=(("model_call_failed", "not a chat completion"), ("step_failed", "not a chat completion")),
        asked=1,
    ),
    "arguments of a tool that are no JSON": Fault(
        answers=(tool_call("find", '{"query": '), OK),
        ends="completed",
        events=(("tool_failed", "not a JSON object"),),
        asked=2,
    ),
    "arguments that are nested too deep": Fault(
        answers=(tool_call("find", f'{{"query": {"[" * 900}{"]" * 900}}}'), OK),
        ends="completed",
        events=(("tool_failed", "not a JSON object"),),
        asked=2,
    ),
    "a tool that does not exist": Fault(
        answers=(tool_call("payroll", "{}"), OK),
        ends="completed",
        events=(("tool_failed", "No handler registered"),),
        asked=2,
    ),
    "an answer of 2 MB": Fault(answers=(completion(LONG),), ends="completed", events=(), asked=1, output=LONG),
    "anthropic: overloaded, then well": Fault(
        answers=(failure(529, "Overloaded"), message(said("fine"))),
        ends="completed",
        events=(("model_call_failed", "529"),),
        asked=2,
        provider="anthropic",
    ),
    "anthropic: drops in the middle of a stream": Fault(
        answers=(pieces(OPENING, TEXT), pieces(OPENING, {**TEXT, "content_block": said("fine")}, STOP)),
        ends="completed",
        events=(("model_call_failed", "broke off"),),
        asked=2,
        extra=STREAM,
        provider="anthropic",
    ),
    "anthropic: a malformed block": Fault(
        answers=(message({"type": "tool_use"}),),
        ends="ProviderError",
        events=(("model_call_failed", "not a message"), ("step_failed", "not a message")),
        asked=1,
        provider="anthropic",
    ),
}


@pytest.fixture(autouse=True)
def patience(settings: Settings) -> None:
    """Try each call three times, soon after one another, and wait for answers a moment only."""
    settings.PROVIDER_RETRIES = 2
    settings.PROVIDER_RETRY_BACKOFF_SECONDS = 0.001
    settings.PROVIDER_TIMEOUT_SECONDS = 0.5


def run_of(chat: ChatServer, *, provider: str = "openai", extra: dict[str, Any] | None = None, **spec: Any) -> Run:
    """Return a run of one agent whose model is the stub, advanced until it rests."""
    whole = spec_of(step("w", "writer", "agent")) | spec
    whole.setdefault("tools", {"find": {"description": "d", "implementation": "tests.integration.functions.find"}})
    whole["components"]["agents"]["writer"] = {
        "name": "writer",
        "model": {"provider": provider, "name": "small", "extra": {"base_url": chat.base_url, **(extra or {})}},
        "runtime_preferences": {"preferred_mode": "native", "native_provider": provider},
        "strategy": "react",
        "tools": [*whole["tools"]],
    }
    run = start(whole)
    advance(run)
    return run


def told(run: Run) -> list[tuple[str, str]]:
    """Return the type and the error of every event of the trace that has one, but for those of agents as a whole."""
    events = TraceEvent.objects.filter(run=run, error__isnull=False).exclude(type="run_failed")
    return [(event.type, event.error or "") for event in events]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_ends_as_it_should_and_is_in_the_trace(chat: ChatServer, fault: Fault) -> None:
    chat.queue(*fault.answers)
    run = run_of(chat, provider=fault.provider, extra=fault.extra)

    assert (run.error_type or run.status) == fault.ends
    if fault.ends == "completed":
        assert run.output_text == (fault.output or "fine")
    assert len(chat.requests) == fault.asked
    events = told(run)
    assert [kind for kind, _ in events] == [kind for kind, _ in fault.events]
    assert all(word in error for (_, error), (_, word) in zip(events, fault.events, strict=True))


@pytest.mark.parametrize(
    "answers",
    [
        (completion("f\0ine"),),
        (tool_call("find", r'{"query": "half \ud83d", "\u0000": 1}'), OK),
        (tool_call("p\0ayroll", "{}"), OK),
        (pieces(chunk("stop", content="f\0ine")),),
    ],
    ids=["an answer", "arguments", "a tool", "a stream"],
)
def test_what_no_database_stores_keeps_no_run_from_its_end(chat: ChatServer, answers: tuple[Answer, ...]) -> None:
    chat.queue(*answers)
    run = run_of(chat)
    assert (run.status, (run.output_text or "").replace("\ufffd", "")) == ("completed", "fine")
    assert len(chat.requests) == len(answers)


def test_a_result_that_no_database_stores_is_heard_of_all_the_same(chat: ChatServer) -> None:
    chat.queue(tool_call("broken", "{}"), OK)
    run = run_of(chat, tools={"broken": {"description": "d", "implementation": "tests.integration.functions.broken"}})
    assert run.status == "completed"
    assert chat.requests[-1].body["messages"][-1]["content"] == "half ? and \ufffd"


def test_a_person_is_asked_once_about_a_call_that_no_database_stores(chat: ChatServer) -> None:
    chat.queue(tool_call("find", r'{"query": "half \ud83d and \u0000"}'), OK)
    tool = {"description": "d", "implementation": "tests.integration.functions.find", "approval": "always"}
    run = run_of(chat, tools={"find": tool})
    answer(run, Decision.APPROVED)
    run.refresh_from_db()
    assert (run.status, HumanTask.objects.filter(run=run).count()) == ("completed", 1)


@pytest.mark.parametrize("count", [10**20, 1e300, 10**400, 2**62], ids=["10^20", "1e300", "10^400", "2^62"])
def test_a_count_of_tokens_that_cannot_be_is_none(chat: ChatServer, count: float) -> None:
    chat.queue(completion("fine", usage={"prompt_tokens": count, "completion_tokens": count}))
    run = run_of(chat)
    assert (run.status, run.total_tokens) == ("completed", None)


def test_an_endpoint_is_left_alone_as_long_as_it_asks(chat: ChatServer) -> None:
    chat.queue(failure(429, Retry_After="1"), OK)
    run_of(chat)
    first, second = chat.requests
    assert second.at_seconds - first.at_seconds >= 1.0


def test_an_endpoint_that_hangs_is_hung_up_on(chat: ChatServer) -> None:
    chat.queue(Answer(after_seconds=None), OK)
    assert run_of(chat).output_text == "fine"
    assert chat.hung_up.wait(5)


def test_a_server_of_tools_that_dies_in_the_middle_of_a_call_is_an_error_that_the_model_hears(
    chat: ChatServer, settings: Settings
) -> None:
    settings.MCP_COMMANDS = (sys.executable,)
    arguments = ["-m", "tests.stubs.mcp_server", "stdio"]
    root = str(Path(__file__).parents[2])
    chat.queue(tool_call("die", "{}"), OK)
    run = run_of(
        chat,
        mcp_servers={"stub": {"transport": "stdio", "command": sys.executable, "args": arguments, "cwd": root}},
        tools={"die": {"description": "d", "mcp": {"server": "stub"}}},
    )
    assert (run.status, run.output_text) == ("completed", "fine")
    [(kind, error)] = told(run)
    assert kind == "tool_failed"
    assert "'stub'" in error
    [heard] = [each["content"] for each in chat.requests[-1].body["messages"] if each["role"] == "tool"]
    assert "error" in heard


def after(attempts: int) -> Callable[[object], Answer]:
    """Return answers of a model that fails for good after ``attempts`` good ones."""
    left = [attempts]

    def give(_: object) -> Answer:
        left[0] -= 1
        return OK if left[0] >= 0 else failure(401, "no such key")

    return give


def test_the_steps_before_a_fault_stay_done(chat: ChatServer) -> None:
    chat.otherwise = after(1)
    spec = spec_of(step("w", "writer", "agent"), step("again", "writer", "agent"))
    run = run_of(chat, workflow=spec["workflow"])
    assert (run.status, run.error_type) == ("failed", "ProviderError")
    assert TraceEvent.objects.get(run=run, type="step_failed").step_id == "again"
    assert "no such key" in (run.error_message or "")
