"""Agents that remember across the runs of a session, and nobody else's."""

from typing import Any

import pytest

from runs import services
from runs.models import Run, Target
from runs.services import StartRun
from specs.services import SpecSource
from tests.integration.driving import advance, spec_of, step
from tests.integration.test_agents import served
from tests.stubs.chat_server import ChatServer, failure


def desk(chat: ChatServer, *, name: str = "writer", **memory: Any) -> dict[str, Any]:
    """Return a spec whose agents remember their session, unless ``memory`` says otherwise."""
    spec = spec_of(step("w", "writer", "agent"))
    block = {"policy": "full", "session": True} | memory
    spec["components"]["agents"]["writer"] = served(chat, name, memory=block)
    spec["agent"] = served(chat, "root", memory=block)
    return spec


def say(spec: dict[str, Any], text: str, *, session: str | None = "s-1", by: str = "alice", **fields: Any) -> Run:
    """Return a run of ``spec`` on ``text``, advanced until it rests."""
    request = StartRun(source=SpecSource(spec=spec), input_text=text, session_id=session, **fields)
    run = services.start_run(request, actor=by)
    advance(run)
    return run


def heard(chat: ChatServer) -> list[str]:
    """What the model was told when it was asked last."""
    return [message["content"] for message in chat.requests[-1].body["messages"]]


def test_runs_of_a_session_share_what_was_said(chat: ChatServer) -> None:
    for word in ("one", "two", "three"):
        say(desk(chat), word)
    assert heard(chat) == ["one", "echo: one", "two", "echo: two", "three"]


def test_an_agent_alone_remembers_its_session_too(chat: ChatServer) -> None:
    for word in ("one", "two"):
        say(desk(chat), word, target=Target.AGENT)
    assert heard(chat) == ["one", "echo: one", "two"]


@pytest.mark.parametrize(
    ("other", "memory"),
    [
        ({"session": "s-2"}, {}),
        ({"session": None}, {}),
        ({"by": "mallory"}, {}),
        ({}, {"session": False}),
    ],
)
def test_nothing_leaks_into_another_session_or_to_somebody_else(
    chat: ChatServer, other: dict[str, Any], memory: dict[str, Any]
) -> None:
    say(desk(chat), "secret")
    say(desk(chat, **memory), "hello", **other)
    assert heard(chat) == ["hello"]


def test_another_agent_remembers_nothing_of_it(chat: ChatServer) -> None:
    say(desk(chat), "one")
    say(desk(chat, name="other"), "two")
    assert heard(chat) == ["two"]


def test_a_run_that_failed_is_not_remembered(chat: ChatServer) -> None:
    chat.queue(failure(400))
    assert say(desk(chat), "one").status == "failed"
    say(desk(chat), "two")
    assert heard(chat) == ["two"]


def test_the_policy_applies_to_the_whole_session(chat: ChatServer) -> None:
    for word in ("one", "two", "three"):
        say(desk(chat, policy="sliding_window", max_messages=2), word)
    assert heard(chat) == ["echo: two", "three"]


def test_a_run_sees_the_session_as_it_was_when_it_was_created(chat: ChatServer) -> None:
    request = StartRun(source=SpecSource(spec=desk(chat)), input_text="late", session_id="s-1")
    late = services.start_run(request, actor="alice")
    say(desk(chat), "early")
    advance(late)
    assert heard(chat) == ["late"]
