import pytest

from runs.agents.answering import AgentReply
from runs.agents.errors import MaxIterationsReached, StepInterrupted, TokenBudgetExceeded
from runs.agents.interrupt import Interrupt
from runs.agents.loop import run_agent
from runs.agents.models.provider import Message
from runs.agents.models.usage import Usage
from specs.language.agent_plan import AgentPlan
from tests.stubs.chat_server import ChatServer, tool_call
from tests.unit.agents.factories import agent_plan, agents, served_agent


def ask(agent: AgentPlan, *, token_budget: int = 0) -> AgentReply:
    return run_agent(agents(token_budget=token_budget), agent, "hello")


@pytest.mark.parametrize("strategy", ["simple", "react"])
def test_the_offline_agent_answers_in_one_turn(strategy: str) -> None:
    assert ask(agent_plan(strategy, system_prompt="Be brief.")) == AgentReply(
        text="Final answer: hello",
        messages=(
            Message(role="user", content="hello"),
            Message(role="assistant", content="Final answer: hello"),
        ),
        usage=None,
        iterations=1,
        runtime_mode="bridge",
        runtime_name=f"{strategy}@dummy",
        provider="dummy",
        model="dummy",
    )


def test_the_offline_agent_plans_before_it_acts() -> None:
    reply = ask(agent_plan("plan-act"))
    assert [message.content for message in reply.messages] == [
        "hello",
        "Plan:\nFinal answer: hello",
        "Final answer: hello",
    ]
    assert (reply.text, reply.iterations, reply.runtime_name) == ("Final answer: hello", 2, "plan-act@dummy")


def test_planning_is_asked_for_on_the_wire_and_both_calls_are_counted(chat: ChatServer) -> None:
    reply = ask(served_agent(chat.base_url, "plan-act"))
    prompts = [request.body["messages"][0]["content"] for request in chat.requests]
    assert prompts[0].startswith("Be brief.\n\nBefore acting")
    assert prompts[1] == "Be brief."
    assert reply.usage == Usage(input_tokens=22, output_tokens=14, total_tokens=36)


def test_a_model_that_calls_a_tool_it_does_not_have_is_told_so(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", '{"query": "x"}'))
    assert ask(served_agent(chat.base_url, "react")).iterations == 2
    assert chat.requests[1].body["messages"][2:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": '{"query": "x"}'}}
            ],
        },
        {
            "role": "tool",
            "content": '{"error": "No handler registered for tool \\"lookup\\"."}',
            "tool_call_id": "call_1",
        },
    ]


@pytest.mark.parametrize("strategy", ["react", "plan-act"])
def test_an_agent_that_finds_no_answer_stops_at_its_limit(chat: ChatServer, strategy: str) -> None:
    chat.otherwise = lambda _body: tool_call("lookup", "")
    with pytest.raises(MaxIterationsReached, match="'writer' came to no answer within its limit of 3") as stop:
        ask(served_agent(chat.base_url, strategy, max_iterations=3))
    assert not stop.value.retriable
    assert len(chat.requests) == 3 + (strategy == "plan-act")


@pytest.mark.parametrize(("spec", "operator"), [(17, 0), (17, 1000), (None, 17)])
def test_a_token_budget_stops_the_agent(chat: ChatServer, spec: int | None, operator: int) -> None:
    with pytest.raises(TokenBudgetExceeded, match="used 18 tokens; its budget is 17") as stop:
        ask(served_agent(chat.base_url, token_budget=spec), token_budget=operator)
    assert not stop.value.retriable


@pytest.mark.parametrize(("spec", "operator"), [(None, 0), (18, 0), (18, 1), (None, 18)])
def test_a_token_budget_that_is_kept_stops_nobody(chat: ChatServer, spec: int | None, operator: int) -> None:
    assert ask(served_agent(chat.base_url, token_budget=spec), token_budget=operator).text == "echo: hello"


def test_a_budget_is_looked_at_after_every_call(chat: ChatServer) -> None:
    chat.otherwise = lambda _body: tool_call("lookup", "")
    with pytest.raises(TokenBudgetExceeded, match="used 36 tokens"):
        ask(served_agent(chat.base_url, "react", token_budget=20))
    assert len(chat.requests) == 2


def test_the_offline_agent_has_no_usage_that_a_budget_could_stop() -> None:
    assert ask(agent_plan(), token_budget=1).usage is None


def test_an_interrupted_step_asks_no_model(chat: ChatServer) -> None:
    interrupt = Interrupt()
    interrupt.trip("the lease was lost")
    with pytest.raises(StepInterrupted, match="the lease was lost"):
        run_agent(agents(interrupt=interrupt), served_agent(chat.base_url), "hello")
    assert chat.requests == []


def test_an_interrupt_after_the_answer_concerns_nobody() -> None:
    interrupt = Interrupt()
    reply = run_agent(agents(interrupt=interrupt), agent_plan(), "hello")
    interrupt.trip("too late")
    assert reply.text == "Final answer: hello"
