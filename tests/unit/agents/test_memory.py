"""What an agent is told of what was said before."""

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.agents.loop import run_agent
from runs.agents.memory import remembered
from runs.agents.models.provider import Message
from specs.language.agent_plan import MemoryPlan, MemoryPolicy
from specs.language.plan import FunctionPlan, Plan
from tests.stubs.chat_server import ChatServer, completion
from tests.unit.agents.factories import agent_plan, agents, served_agent

SAMPLES = "tests.unit.agents.sample_functions"
HISTORY = (
    Message(role="user", content="one"),
    Message(role="assistant", content="two"),
    Message(role="user", content="three"),
    Message(role="assistant", content="four"),
)


def sent(chat: ChatServer, memory: MemoryPlan, history: tuple[Message, ...] = HISTORY) -> list[tuple[str, str]]:
    """What reaches the model, without the system prompt, when "now" is asked."""
    functions = {name: FunctionPlan(implementation=f"{SAMPLES}.{name}") for name in ("shorten", "recall")}
    agent = served_agent(chat.base_url, memory=memory)
    plan = Plan(agent=agent, functions=functions, agents={"scribe": served_agent(chat.base_url)})
    run_agent(agents(plan, function_modules=(SAMPLES,)), agent, "now", history)
    return [(message["role"], message["content"]) for message in chat.requests[-1].body["messages"][1:]]


def test_everything_is_told_in_order(chat: ChatServer) -> None:
    assert sent(chat, MemoryPlan()) == [
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
        ("assistant", "four"),
        ("user", "now"),
    ]


@pytest.mark.parametrize(
    ("most", "told"), [(1, ["now"]), (2, ["four", "now"]), (9, ["one", "two", "three", "four", "now"])]
)
def test_a_window_holds_the_newest(chat: ChatServer, most: int, told: list[str]) -> None:
    memory = MemoryPlan(policy=MemoryPolicy.SLIDING_WINDOW, max_messages=most)

    assert [content for _, content in sent(chat, memory)] == told


def test_a_window_of_nothing_leaves_nothing() -> None:
    memory = MemoryPlan(policy=MemoryPolicy.SLIDING_WINDOW, max_messages=0)
    agent = agent_plan(memory=memory)

    reply = run_agent(agents(Plan(agent=agent)), agent, "now")

    assert reply.text == "Final answer: "
    counts = {"policy": "sliding_window", "before_message_count": 1, "after_message_count": 0}
    assert reply.details == {"memory": counts}


def test_a_function_summarises_what_was_said_before(chat: ChatServer) -> None:
    memory = MemoryPlan(policy=MemoryPolicy.SUMMARY, ref="shorten")

    assert sent(chat, memory) == [("system", "Conversation summary:\n4 lines"), ("user", "now")]
    assert sent(chat, memory, ()) == [("user", "now")]


def test_an_agent_summarises_as_well(chat: ChatServer) -> None:
    chat.queue(completion("they counted"))

    assert sent(chat, MemoryPlan(policy=MemoryPolicy.SUMMARY, ref="scribe"))[0] == (
        "system",
        "Conversation summary:\nthey counted",
    )
    assert chat.requests[0].body["messages"][-1]["content"] == "user: one\nassistant: two\nuser: three\nassistant: four"


def test_what_is_retrieved_comes_first(chat: ChatServer) -> None:
    memory = MemoryPlan(policy=MemoryPolicy.RETRIEVAL, ref="recall", top_k=2)

    assert sent(chat, memory, ()) == [("system", "Relevant retrieved memory:\nnow 0\nnow 1"), ("user", "now")]


roles = st.sampled_from(["system", "user", "assistant"])
conversations = st.lists(
    st.builds(lambda role, content: Message(role=role, content=content), roles, st.text(max_size=3))
)


@given(said=conversations, most=st.integers(0, 8), system=st.booleans())
def test_a_window_is_never_longer_than_it_may_be(said: list[Message], most: int, *, system: bool) -> None:
    memory = MemoryPlan(policy=MemoryPolicy.SLIDING_WINDOW, max_messages=most, preserve_system_messages=system)

    told = settled(remembered(memory, said, agents()))

    assert len(told) <= most
    assert all(message in said for message in told)


def settled(work: Coroutine[Any, Any, list[Message]]) -> list[Message]:
    """Return the result of a coroutine that waits for nobody."""
    with pytest.raises(StopIteration) as stop:
        work.send(None)
    result: list[Message] = stop.value.value
    return result
