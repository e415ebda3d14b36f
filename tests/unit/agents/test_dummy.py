import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.agents.models.dummy import DummyProvider
from runs.agents.models.provider import Completion, Message, ModelParams, ToolCall, ToolDefinition

SEARCH = ToolDefinition(name="lookup", description="Looks things up.", parameters={})


def user(text: str) -> Message:
    return Message(role="user", content=text)


def tool(text: str) -> Message:
    return Message(role="tool", content=text, name="lookup", tool_call_id="web_search_1")


def ask(messages: Sequence[Message], tools: Sequence[ToolDefinition] = ()) -> Completion:
    return asyncio.run(DummyProvider().complete(messages, tools, ModelParams(temperature=0.9)))


@pytest.mark.parametrize(
    ("messages", "tools", "text"),
    [
        ([user("hello")], [], "Final answer: hello"),
        ([user("hello")], [SEARCH], "Final answer: hello"),
        ([user("search me")], [], "Final answer: search me"),
        ([user("one"), Message(role="assistant", content="Plan:"), user("two")], [], "Final answer: two"),
        ([Message(role="system", content="Be brief."), user("hi")], [], "Final answer: hi"),
        ([], [], "Final answer: "),
        ([user("search x"), tool("a"), tool("b")], [SEARCH], "Final answer based on tool results: a\nb"),
        ([user("x"), tool("a")], [], "Final answer based on tool results: a"),
    ],
)
def test_the_dummy_answers_byte_for_byte(messages: list[Message], tools: list[ToolDefinition], text: str) -> None:
    assert ask(messages, tools) == Completion(text=text)


def test_the_dummy_asks_for_web_search_whatever_the_tool_is_called() -> None:
    call = ToolCall(id="web_search_1", name="web_search", arguments={"query": "please SEARCH x"})
    assert ask([user("please SEARCH x")], [SEARCH]) == Completion(text="I need to search.", tool_calls=(call,))


@given(text=st.text())
def test_the_dummy_repeats_any_text_unchanged(text: str) -> None:
    assert ask([user(text)]).text == f"Final answer: {text}"
