"""Answers that arrive in pieces, in both formats: read like whole ones, and never taken for whole when they are not."""

from typing import Any

import pytest

from runs.agents.answering import AgentReply
from runs.agents.errors import ProviderError, ProviderTimeout
from runs.agents.loop import run_agent
from runs.agents.models.usage import Usage
from specs.language.agent_plan import AgentPlan, ModelPlan, RuntimePlan, StrategyPlan, ToolPlan
from specs.language.plan import Plan
from tests.stubs.chat_server import Answer, ChatServer, completion, pieces
from tests.unit.agents.factories import agents

SAMPLES = "tests.unit.agents.sample_functions"
LOOKUP = ToolPlan(name="lookup", description="Look it up.", implementation=f"{SAMPLES}.lookup")
DONE = "[DONE]"
STOP = {"type": "message_stop"}


def agent_of(chat: ChatServer, provider: str, strategy: str = "simple", **extra: Any) -> AgentPlan:
    """Return an agent whose model is the stub and is to answer in pieces."""
    model = ModelPlan(provider=provider, name="small", extra={"base_url": chat.base_url, "stream": True, **extra})
    return AgentPlan(
        name="writer",
        model=model,
        runtime=RuntimePlan(preferred_mode="native"),
        strategy=StrategyPlan(type=strategy),
        tools=("lookup",) if strategy == "react" else (),
    )


def ask(agent: AgentPlan, **settings: Any) -> AgentReply:
    plan = Plan(agent=agent, tools={"lookup": LOOKUP})
    return run_agent(agents(plan, function_modules=(SAMPLES,), **settings), agent, "hello")


def chunk(reason: str | None = None, usage: object = None, **delta: Any) -> dict[str, Any]:
    """Return a piece of a chat completion."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": usage}


def call(index: int, arguments: str, **named: str) -> dict[str, Any]:
    """Return a piece of a call of the tool; the first one has its id and its name."""
    function = {"arguments": arguments} | ({"name": "lookup"} if named else {})
    return {"index": index, "function": function, **named}


def start(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **piece: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": piece}


OPENING = {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}}
TEXT = start(0, type="text", text="Hel")
CLOSING = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}


def test_a_chat_completion_in_pieces_is_put_together(chat: ChatServer) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 3}
    chat.queue(
        pieces(
            chunk(role="assistant"), chunk(content="Hel"), chunk(content="lo"), chunk("stop"), chunk(usage=usage), DONE
        )
    )
    reply = ask(agent_of(chat, "openai", stream_options={"x": 1}))

    sent = chat.requests[0].body
    assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True, "x": 1})
    assert (reply.text, reply.usage) == ("Hello", Usage(input_tokens=5, output_tokens=3, total_tokens=8))
    assert "is_cut_off" not in reply.details


def test_a_message_in_pieces_is_put_together(chat: ChatServer) -> None:
    ping = {"type": "ping"}
    text = [start(0, type="text", text=""), delta(0, type="text_delta", text="Hel"), ping]
    chat.queue(pieces(OPENING, *text, delta(0, type="text_delta", text="lo"), CLOSING, STOP))
    reply = ask(agent_of(chat, "anthropic"))

    assert chat.requests[0].body["stream"] is True
    assert (reply.text, reply.usage) == ("Hello", Usage(input_tokens=5, output_tokens=3, total_tokens=8))


def test_calls_in_pieces_are_put_together(chat: ChatServer) -> None:
    parts = [
        call(0, "", id="a"), call(1, '{"query"', id="b"), call(0, '{"query": "visa"}'), call(1, ': "card"}')
    ]  # fmt: skip
    chat.queue(
        pieces(*[chunk(tool_calls=[part]) for part in parts], chunk("tool_calls"), DONE),
        pieces(chunk(content="ok"), DONE),
    )

    assert ask(agent_of(chat, "openai", "react")).text == "ok"
    heard = [each["content"] for each in chat.requests[1].body["messages"] if each["role"] == "tool"]
    assert heard == ['{"found": "visa"}', '{"found": "card"}']


def test_calls_that_share_an_index_are_known_by_their_ids(chat: ChatServer) -> None:
    parts = [call(0, '{"query": ', id="a"), call(0, '"visa"}'), call(0, '{"query": "card"}', id="b")]
    chat.queue(
        pieces(*[chunk(tool_calls=[part]) for part in parts], chunk("tool_calls"), DONE),
        pieces(chunk(content="ok"), DONE),
    )

    assert ask(agent_of(chat, "openai", "react")).text == "ok"
    heard = [each["content"] for each in chat.requests[1].body["messages"] if each["role"] == "tool"]
    assert heard == ['{"found": "visa"}', '{"found": "card"}']


def test_calls_of_messages_in_pieces_are_put_together(chat: ChatServer) -> None:
    said = [
        start(0, type="tool_use", id="a", name="lookup", input={}),
        delta(0, type="input_json_delta", partial_json='{"query": '),
        delta(0, type="input_json_delta", partial_json='"visa"}'),
    ]
    answer = [start(0, type="text", text="ok"), CLOSING, STOP]
    chat.queue(pieces(OPENING, *said, CLOSING, STOP), pieces(OPENING, *answer))

    assert ask(agent_of(chat, "anthropic", "react")).text == "ok"
    [result] = chat.requests[1].body["messages"][-1]["content"]
    assert (result["tool_use_id"], result["content"]) == ("a", '{"found": "visa"}')


@pytest.mark.parametrize(
    ("provider", "broken", "whole"),
    [
        ("openai", pieces(chunk(content="Hel")), pieces(chunk(content="Hello"), DONE)),
        ("openai", pieces(chunk(content="Hel"), is_cut_short=True), pieces(chunk("stop", content="Hello"))),
        ("anthropic", pieces(OPENING, TEXT), pieces(OPENING, TEXT, delta(0, type="text_delta", text="lo"), STOP)),
    ],
)  # fmt: skip
def test_a_stream_that_breaks_off_is_asked_for_again(
    chat: ChatServer, provider: str, broken: Answer, whole: Answer
) -> None:
    chat.queue(broken, whole)
    assert ask(agent_of(chat, provider), retries=1).text == "Hello"

    chat.queue(broken)
    with pytest.raises(ProviderError, match=r"broke off|could not be reached") as refused:
        ask(agent_of(chat, provider))
    assert refused.value.retriable


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_an_endpoint_that_fails_while_it_answers_is_asked_again(chat: ChatServer, provider: str) -> None:
    failed = pieces({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    chat.queue(failed, failed)
    with pytest.raises(ProviderError, match="failed while it answered: Overloaded"):
        ask(agent_of(chat, provider), retries=1)
    assert len(chat.requests) == 2


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("said", ["<html>", "[]", '{"choices": [{"delta": {"content": 7}}], "type": 3}'])
def test_pieces_that_nobody_can_read_are_an_error_that_stays(chat: ChatServer, provider: str, said: str) -> None:
    chat.queue(pieces(said))
    with pytest.raises(ProviderError, match="cannot be read") as refused:
        ask(agent_of(chat, provider), retries=3)
    assert (refused.value.retriable, len(chat.requests)) == (False, 1)


def test_a_stream_is_not_read_without_end(chat: ChatServer) -> None:
    chat.queue(pieces(*[chunk(content="x" * 1_000_000)] * 18))
    with pytest.raises(ProviderError, match="sent more than"):
        ask(agent_of(chat, "openai"))


def test_a_stream_that_stops_in_the_middle_is_hung_up_on(chat: ChatServer) -> None:
    chat.queue(Answer(after_seconds=None))
    with pytest.raises(ProviderTimeout):
        ask(agent_of(chat, "openai"), timeout_seconds=0.2)
    assert chat.hung_up.wait(5)


def test_a_server_that_knows_no_streams_may_answer_whole(chat: ChatServer) -> None:
    chat.queue(completion("Hello"))
    assert ask(agent_of(chat, "openai")).text == "Hello"


def test_an_answer_that_reached_its_longest_says_so(chat: ChatServer) -> None:
    chat.queue(pieces(chunk("length", content="Hel"), DONE))
    assert ask(agent_of(chat, "openai")).details["is_cut_off"] is True

    chat.queue(
        pieces(
            OPENING,
            start(0, type="text", text="Hel"),
            {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
            STOP,
        )
    )
    assert ask(agent_of(chat, "anthropic")).details["is_cut_off"] is True


def test_a_call_that_is_cut_off_is_never_made(chat: ChatServer) -> None:
    chat.queue(pieces(chunk(tool_calls=[call(0, '{"query": "vi"}', id="a")]), chunk("length"), DONE))
    with pytest.raises(ProviderError, match="cut off while it called a tool"):
        ask(agent_of(chat, "openai", "react"), retries=1)
    assert len(chat.requests) == 1
