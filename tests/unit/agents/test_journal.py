"""A step that was interrupted goes on from its last recorded call."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from runs.agents.answering import AgentReply
from runs.agents.errors import StepInterrupted, ToolCallInDoubt
from runs.agents.journal import Journal
from runs.agents.loop import run_agent
from specs.language.agent_plan import AgentPlan, GuardrailPlan, GuardrailType, Stage, ToolPlan
from specs.language.plan import Plan
from tests.stubs.chat_server import Answer, ChatServer, completion, tool_call
from tests.unit.agents import sample_functions
from tests.unit.agents.factories import agents, served_agent

SAMPLES = "tests.unit.agents.sample_functions"
INPUT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
TOOLS = {
    "count": ToolPlan(name="count", description="d", implementation=f"{SAMPLES}.count_calls"),
    "pay": ToolPlan(name="pay", description="d", implementation=f"{SAMPLES}.count_calls", retry_unsafe=True),
    "ask": ToolPlan(name="ask", description="d", parameters=INPUT, agent="expert"),
}


class Store:
    """Keeps entries as a database does, and dies around the ``dies_at``-th: with it written, or not yet."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.written = 0
        self.dies_at: int | None = None
        self.is_kept = True

    def journal(self) -> Journal:
        return Journal(lambda: dict(self.entries), self._keep)

    def _keep(self, key: str, value: object) -> None:
        self.written += 1
        is_last = self.written == self.dies_at
        if not is_last or self.is_kept:
            self.entries[key] = value
        if is_last:
            raise StepInterrupted("died")


@pytest.fixture(autouse=True)
def uncounted() -> None:
    sample_functions.CALLS.clear()


def answers(chat: ChatServer) -> None:
    """Let the model call tools four times, by what it has been told, and then answer."""

    def reply(body: Mapping[str, Any]) -> Answer:
        heard = [message for message in body["messages"] if message["role"] == "tool"]
        if body["messages"][-1]["content"] == "expert?":
            return completion("42")
        calls = [("count", "{}"), ("ask", '{"input": "expert?"}'), ("pay", "{}"), ("count", "{}")]
        return tool_call(*calls[len(heard)]) if len(heard) < len(calls) else completion("done")

    chat.otherwise = reply


def ask(chat: ChatServer, store: Store, **fields: Any) -> AgentReply:
    agent = served_agent(chat.base_url, "react", tools=("count", "pay", "ask"), **fields)
    plan = Plan(agent=agent, tools=TOOLS, agents={"expert": served_agent(chat.base_url)})
    return run_agent(agents(plan, journal=store.journal(), function_modules=(SAMPLES,)), agent, "hello")


def test_an_undisturbed_turn_asks_six_times(chat: ChatServer) -> None:
    answers(chat)
    assert ask(chat, Store()).text == "done"
    assert (len(chat.requests), Counter(sample_functions.CALLS)) == (6, Counter(count_calls=3))


@pytest.mark.parametrize("dies_at", range(1, 10))
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_turn_that_died_repeats_at_most_the_call_that_was_under_way(
    chat: ChatServer, dies_at: int, *, is_kept: bool
) -> None:
    answers(chat)
    store = Store()
    store.dies_at, store.is_kept = dies_at, is_kept
    with pytest.raises(StepInterrupted):
        ask(chat, store)

    try:
        reply = ask(chat, store)
    except ToolCallInDoubt:
        assert sample_functions.CALLS["count_calls"] <= 2  # it was called or not: nobody knows
        return
    assert reply.text == "done"
    assert reply.usage is not None
    assert reply.usage.total_tokens == 6 * 18
    again = len(chat.requests) - 6 + sample_functions.CALLS["count_calls"] - 3
    assert again <= (0 if is_kept else 1)


def test_a_call_that_must_not_be_made_twice_is_in_doubt_once_it_began(chat: ChatServer) -> None:
    answers(chat)
    store = Store()
    store.entries = {"answer/1/tool/3.1": {"tool": "pay"}}

    with pytest.raises(ToolCallInDoubt, match="'pay' may have been called") as doubt:
        ask(chat, store)
    assert doubt.value.is_final


def test_a_turn_of_one_question_keeps_nothing(chat: ChatServer) -> None:
    store = Store()
    agent = served_agent(chat.base_url)
    run_agent(agents(Plan(agent=agent), journal=store.journal()), agent, "hello")

    assert store.entries == {}


def test_reviewers_are_not_asked_again(chat: ChatServer) -> None:
    chat.queue(completion("fine"), completion("PASS"))
    review = GuardrailPlan(id="tone", type=GuardrailType.AGENT, ref="expert")
    agent: AgentPlan = served_agent(chat.base_url, guardrails={Stage.OUTPUT: (review,)})
    plan = Plan(agent=agent, agents={"expert": served_agent(chat.base_url)})
    store = Store()
    for _ in range(2):
        assert run_agent(agents(plan, journal=store.journal()), agent, "hello").text == "fine"

    assert len(chat.requests) == 2
