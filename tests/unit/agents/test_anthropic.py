"""The Messages API on the wire: what is sent, what is understood, what fails how."""

import json
from typing import Any

import pytest

from runs.agents.answering import AgentReply
from runs.agents.errors import MissingSecret, ProviderError, ProviderTimeout, SecretNotAllowed
from runs.agents.loop import run_agent
from runs.agents.models.provider import Message
from runs.agents.models.usage import Usage
from specs.language.agent_plan import AgentPlan, ModelPlan, RuntimePlan, StrategyPlan, ToolPlan
from specs.language.plan import Plan
from tests.stubs.chat_server import Answer, ChatServer, failure
from tests.unit.agents.factories import agents

KEY = "sk-ant-abcdef123456"
SAMPLES = "tests.unit.agents.sample_functions"
LOOKUP = ToolPlan(
    name="lookup",
    description="Look it up.",
    parameters={"properties": {"query": {"type": "string"}}, "required": ["query"]},
    implementation=f"{SAMPLES}.lookup",
)


def message(*blocks: dict[str, Any], **answer: Any) -> Answer:
    """Return a well-formed answer of the model."""
    body = {
        "type": "message",
        "role": "assistant",
        "content": list(blocks),
        "usage": {"input_tokens": 5, "output_tokens": 3},
    }
    return Answer(body=json.dumps(body).encode(), **answer)


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def use(call: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call, "name": "lookup", "input": arguments}


def agent_of(chat: ChatServer, strategy: str = "simple", **model: Any) -> AgentPlan:
    """Return an agent whose model is the stub."""
    extra = {"base_url": chat.base_url, **model.pop("extra", {})}
    return AgentPlan(
        name="writer",
        system_prompt="Be brief.",
        model=ModelPlan(provider="anthropic", name="claude", extra=extra, **model),
        strategy=StrategyPlan(type=strategy),
        runtime=RuntimePlan(preferred_mode="native"),
        tools=("lookup",) if strategy == "react" else (),
    )


def ask(agent: AgentPlan, history: tuple[Message, ...] = (), **settings: Any) -> AgentReply:
    plan = Plan(agent=agent, tools={"lookup": LOOKUP})
    chosen = {"environ": {"ANTHROPIC_API_KEY": KEY}, "secret_refs": ("ANTHROPIC_API_KEY",), **settings}
    return run_agent(agents(plan, function_modules=(SAMPLES,), **chosen), agent, "hello", history)


def test_the_system_prompt_is_not_part_of_the_conversation(chat: ChatServer) -> None:
    chat.queue(message(said("hi")))
    reply = ask(agent_of(chat))

    assert chat.requests[0].path == "/v1/messages"
    assert chat.requests[0].body == {
        "model": "claude",
        "max_tokens": 4096,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [said("hello")]}],
    }
    assert (reply.text, reply.provider, reply.model) == ("hi", "anthropic", "claude")
    assert reply.usage == Usage(input_tokens=5, output_tokens=3, total_tokens=8)


def test_parameters_that_are_set_reach_the_wire(chat: ChatServer) -> None:
    chat.queue(message(said("hi")))
    ask(agent_of(chat, temperature=0.0, max_tokens=32, extra={"top_k": 5, "stream": "no"}))
    sent = chat.requests[0].body
    assert (sent["temperature"], sent["max_tokens"], sent["top_k"]) == (0.0, 32, 5)
    assert "stream" not in sent


def test_roles_alternate_whatever_the_conversation_was(chat: ChatServer) -> None:
    chat.queue(message(said("hi")))
    earlier = (Message(role="user", content="one"), Message(role="user", content="two"))
    ask(agent_of(chat), (*earlier, Message(role="assistant", content="three"), Message(role="user", content="")))
    assert chat.requests[0].body["messages"] == [
        {"role": "user", "content": [said("one"), said("two")]},
        {"role": "assistant", "content": [said("three")]},
        {"role": "user", "content": [said("hello")]},
    ]


def test_tools_are_offered_called_at_once_and_heard_of(chat: ChatServer) -> None:
    chat.queue(message(said("let me see"), use("a", query="visa"), use("b", query="train")), message(said("done")))
    reply = ask(agent_of(chat, "react"))

    first, second = (request.body for request in chat.requests)
    assert first["tools"] == [
        {"name": "lookup", "description": "Look it up.", "input_schema": {"type": "object", **LOOKUP.parameters}}
    ]
    assert second["messages"][1:] == [
        {"role": "assistant", "content": [said("let me see"), use("a", query="visa"), use("b", query="train")]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": '{"found": "visa"}'},
                {"type": "tool_result", "tool_use_id": "b", "content": '{"found": "train"}'},
            ],
        },
    ]
    assert (reply.text, reply.usage and reply.usage.total_tokens) == ("done", 16)


def test_what_is_read_from_and_written_to_a_cache_is_input_too(chat: ChatServer) -> None:
    used = {"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 2}
    chat.queue(Answer(body=json.dumps({"content": [said("hi")], "usage": used}).encode()))
    assert ask(agent_of(chat)).usage == Usage(input_tokens=47, output_tokens=3, total_tokens=50)


def test_blocks_that_nobody_asked_for_are_passed_over(chat: ChatServer) -> None:
    chat.queue(message({"type": "thinking", "thinking": "hm"}, said("a"), said("b")))
    assert ask(agent_of(chat)).text == "ab"


@pytest.mark.parametrize(
    ("extra", "key"), [({}, None), ({"api_key_ref": "ANTHROPIC_API_KEY"}, KEY), ({"api_key": "literal"}, "literal")]
)
def test_the_key_is_sent_as_the_api_wants_it(chat: ChatServer, extra: dict[str, str], key: str | None) -> None:
    chat.queue(message(said("hi")))
    ask(agent_of(chat, extra=extra))
    headers = chat.requests[0].headers
    assert (headers.get("x-api-key"), headers.get("anthropic-version")) == (key, "2023-06-01")
    assert "authorization" not in headers


def test_without_an_address_the_default_key_is_needed_and_must_be_allowed() -> None:
    agent = AgentPlan(
        name="w", model=ModelPlan(provider="anthropic", name="c"), runtime=RuntimePlan(preferred_mode="native")
    )
    with pytest.raises(SecretNotAllowed):
        ask(agent, secret_refs=())
    with pytest.raises(MissingSecret):
        ask(agent, environ={})


@pytest.mark.parametrize("status", [429, 500, 529])
def test_what_may_pass_is_tried_again(chat: ChatServer, status: int) -> None:
    chat.queue(failure(status), failure(status, Retry_After="0"), message(said("at last")))
    assert ask(agent_of(chat), retries=2, backoff_seconds=0.0).text == "at last"
    assert len(chat.requests) == 3


def test_retry_after_is_honoured(chat: ChatServer) -> None:
    chat.queue(failure(429, Retry_After="1"), message(said("at last")))
    assert ask(agent_of(chat), retries=1, backoff_seconds=0.0).text == "at last"
    first, second = chat.requests
    assert second.at_seconds - first.at_seconds >= 1.0


def test_an_answer_that_breaks_off_is_asked_for_again(chat: ChatServer) -> None:
    chat.queue(message(said("half"), is_cut_short=True), message(said("whole")))
    assert ask(agent_of(chat), retries=1, backoff_seconds=0.0).text == "whole"


def test_a_refusal_says_why_and_shows_no_key(chat: ChatServer) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": f"bad key {KEY}"}}
    chat.queue(Answer(status=401, body=json.dumps(body).encode()))
    with pytest.raises(ProviderError, match="401") as refused:
        ask(agent_of(chat, extra={"api_key_ref": "ANTHROPIC_API_KEY"}))
    assert "bad key [REDACTED]" in str(refused.value)
    assert not refused.value.retriable


MALFORMED = [
    b'{"content": [{"type": "text"}]}',
    b'{"content": [{"type": "text", "text": 7}]}',
    b'{"content": [{"type": "tool_use", "id": "1", "input": {}}]}',
]


@pytest.mark.parametrize("body", [b"", b"no json", b"{}", b'{"content": "text"}', b'{"content": [{}]}', *MALFORMED])
def test_what_is_no_message_is_an_error(chat: ChatServer, body: bytes) -> None:
    chat.queue(Answer(body=body))
    with pytest.raises(ProviderError, match="is not a message"):
        ask(agent_of(chat))


def test_an_endpoint_that_does_not_answer_is_hung_up_on(chat: ChatServer) -> None:
    chat.queue(Answer(after_seconds=None))
    with pytest.raises(ProviderTimeout, match=r"within 0\.2 seconds"):
        ask(agent_of(chat, timeout_seconds=0.2), retries=0)
    assert chat.hung_up.wait(10)
