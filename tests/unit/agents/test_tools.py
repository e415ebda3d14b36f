"""What a call of a tool goes through."""

import json
from typing import Any

import pytest

from runs.agents.answering import AgentReply
from runs.agents.diary import Diary, Happening
from runs.agents.errors import FunctionNotAllowed, ToolFailed, ToolMiddlewareViolation
from runs.agents.loop import run_agent
from specs.language.agent_plan import AgentPlan, StrategyPlan, ToolPlan
from specs.language.plan import Plan
from tests.stubs.chat_server import ChatServer, completion, tool_call, tool_calls
from tests.unit.agents.factories import agent_plan, agents, served_agent

SAMPLES = "tests.unit.agents.sample_functions"
QUERY = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}


def tool(symbol: str = "lookup", name: str = "lookup", parameters: dict[str, Any] | None = None) -> ToolPlan:
    schema = QUERY if parameters is None else parameters
    return ToolPlan(name=name, description="Look it up.", parameters=schema, implementation=f"{SAMPLES}.{symbol}")


def ask(
    agent: AgentPlan, *tools: ToolPlan, text: str = "hello", diary: Diary | None = None, **others: AgentPlan
) -> AgentReply:
    plan = Plan(agent=agent, tools={each.name: each for each in tools}, agents=others)
    return run_agent(agents(plan, diary=diary, function_modules=(SAMPLES,)), agent, text)


def heard(chat: ChatServer) -> list[str]:
    """What the model was told of its tools when it was asked last."""
    return [message["content"] for message in chat.requests[-1].body["messages"] if message["role"] == "tool"]


def test_the_model_is_offered_the_tools_of_its_agent_and_no_others(chat: ChatServer) -> None:
    ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool(), tool(name="payroll"))

    assert chat.requests[0].body["tools"] == [
        {"type": "function", "function": {"name": "lookup", "description": "Look it up.", "parameters": QUERY}}
    ]


@pytest.mark.parametrize(
    ("symbol", "result"), [("lookup", '{"found": "visa"}'), ("slow_lookup", "slowly visa"), ("one", "1")]
)
def test_a_function_is_called_and_the_model_hears_its_result_as_text(
    chat: ChatServer, symbol: str, result: str
) -> None:
    chat.queue(tool_call("lookup", '{"query": "visa"}'), completion("done"))

    reply = ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool(symbol))

    assert (reply.text, reply.iterations, heard(chat)) == ("done", 2, [result])


def test_a_tool_that_fails_is_heard_of_as_an_error(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", "{}"))

    ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool("broken", parameters={}))

    assert heard(chat) == ['{"error": "the index is gone"}']


@pytest.mark.parametrize("arguments", ["{", "[]", "7", '"visa"', '{"query": NaN}'])
def test_arguments_that_are_no_object_are_told_to_the_model_and_call_nothing(chat: ChatServer, arguments: str) -> None:
    chat.queue(tool_call("lookup", arguments), tool_call("lookup", '{"query": "visa"}'), completion("done"))
    diary = Diary()

    reply = ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool(), diary=diary)

    assert (reply.text, heard(chat)) == (
        "done",
        ['{"error": "The arguments are not a JSON object."}', '{"found": "visa"}'],
    )
    told = [entry.type for entry in diary.entries if entry.about.get("tool_name")]
    assert told == [Happening.TOOL_FAILED, Happening.TOOL_STARTED, Happening.TOOL_COMPLETED]


def test_a_tool_that_does_not_exist_is_on_record_and_the_model_is_told(chat: ChatServer) -> None:
    chat.queue(tool_call("payroll", "{}"), completion("done"))
    diary = Diary()

    ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool(), diary=diary)

    assert heard(chat) == [json.dumps({"error": 'No handler registered for tool "payroll".'})]
    assert [(entry.type, entry.about["tool_name"]) for entry in diary.entries if entry.about.get("tool_name")] == [
        (Happening.TOOL_FAILED, "payroll")
    ]


def test_a_tool_cannot_end_the_process(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", "{}"))

    ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool("leaves", parameters={}))

    assert "tried to end the process" in heard(chat)[0]


def test_an_agent_may_stop_at_the_first_failure_of_a_tool(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", "{}"))
    agent = served_agent(chat.base_url, tools=("lookup",))
    strict = StrategyPlan(type="react", is_declared=True, stop_on_tool_error=True)

    with pytest.raises(ToolFailed, match="'lookup' failed: the index is gone") as stop:
        ask(with_strategy(agent, strict), tool("broken", parameters={}))
    assert stop.value.retriable


def with_strategy(agent: AgentPlan, strategy: StrategyPlan) -> AgentPlan:
    return AgentPlan(
        name=agent.name,
        model=agent.model,
        runtime=agent.runtime,
        tools=agent.tools,
        system_prompt=agent.system_prompt,
        strategy=strategy,
    )


def test_a_call_has_a_key_of_its_own(chat: ChatServer) -> None:
    chat.queue(tool_calls(("lookup", "{}"), ("lookup", "{}")), tool_call("lookup", "{}"))

    ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool("key_of_call", parameters={}))

    assert heard(chat) == [f"run-1/draft/1/answer/1/{call}" for call in ("1.1", "1.2", "2.1")]


def test_arguments_that_do_not_fit_stop_the_run_without_being_told(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", '{"query": 117}'))

    with pytest.raises(ToolMiddlewareViolation, match='do not fit: query: the value is not of type "string"') as stop:
        ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool())
    assert stop.value.is_final
    assert "117" not in str(stop.value)
    assert len(chat.requests) == 1


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        ({"allowed_domains": ("acme.example",)}, "https://evil.example/x"),
        ({"denied_domains": ("evil.example",)}, "see https://api.evil.example:8443/ for more"),
        ({"allowed_domains": ("evil.example",), "denied_domains": ("evil.example",)}, "//evil.example"),
    ],
)
def test_a_tool_does_not_reach_hosts_that_it_may_not(chat: ChatServer, rules: dict[str, Any], url: str) -> None:
    chat.queue(tool_call("lookup", json.dumps({"query": url})))
    diary = Diary()

    with pytest.raises(ToolMiddlewareViolation, match=r"may not reach '(api\.)?evil\.example'"):
        ask(served_agent(chat.base_url, "react", tools=("lookup",), **rules), tool(), diary=diary)
    assert [entry.type for entry in diary.entries] == [
        Happening.AGENT_STARTED,
        Happening.TOOL_DENIED,
        Happening.AGENT_FAILED,
    ]


def test_what_tools_did_is_told(chat: ChatServer) -> None:
    chat.queue(tool_calls(("lookup", '{"query": "a"}')))
    diary = Diary()

    ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool(), diary=diary)

    told = [(entry.type, entry.about.get("tool_name"), entry.output_text) for entry in diary.entries[1:3]]
    assert told == [
        (Happening.TOOL_STARTED, "lookup", None),
        (Happening.TOOL_COMPLETED, "lookup", '{"found": "a"}'),
    ]


def test_tools_are_called_beside_each_other_unless_the_agent_says_one_by_one(chat: ChatServer) -> None:
    calls = ("meet", "{}")
    parameters: dict[str, Any] = {}
    chat.queue(tool_calls(calls, calls))
    agent = served_agent(chat.base_url, "react", tools=("meet",))

    ask(agent, tool("meet", "meet", parameters))
    assert heard(chat) == ["met", "met"]

    chat.queue(tool_calls(calls, calls))
    alone = StrategyPlan(type="react", is_declared=True, parallel_tool_calls=False)
    ask(with_strategy(agent, alone), tool("meet", "meet", parameters))
    assert heard(chat) == ["alone", "alone"]


def test_a_function_outside_the_allowed_modules_is_not_called(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", '{"query": "a"}'))
    agent = served_agent(chat.base_url, "react", tools=("lookup",))
    plan = Plan(agent=agent, tools={"lookup": tool()})

    run_agent(agents(plan, function_modules=("acme",)), agent, "hello")

    assert FunctionNotAllowed.__name__ not in heard(chat)[0]
    assert "outside the allowed modules" in heard(chat)[0]


def test_an_agent_is_a_tool_with_its_own_prompt_and_its_tokens_count(chat: ChatServer) -> None:
    chat.queue(tool_call("visa", '{"input": "Japan?"}'), completion("90 days"), completion("done"))
    expert = served_agent(chat.base_url)
    visa = ToolPlan(name="visa", description="Ask.", parameters=INPUT, agent="expert")

    reply = ask(served_agent(chat.base_url, "react", tools=("visa",)), visa, expert=expert)

    assert chat.requests[1].body["messages"][-1] == {"role": "user", "content": "Japan?"}
    assert heard(chat) == ["90 days"]
    assert reply.usage is not None
    assert reply.usage.total_tokens == 3 * 18


INPUT = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def test_agents_that_ask_each_other_without_end_are_stopped(chat: ChatServer) -> None:
    chat.otherwise = lambda body: (
        completion("enough") if body["messages"][-1]["role"] == "tool" else tool_call("again", '{"input": "x"}')
    )
    again = ToolPlan(name="again", description="Ask.", parameters=INPUT, agent="loop")
    loop = served_agent(chat.base_url, "react", tools=("again",))

    assert ask(loop, again, loop=loop).text == "enough"
    assert any("levels deep" in message for request in chat.requests for message in told(request.body))


def told(body: dict[str, Any]) -> list[str]:
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def test_the_offline_model_searches_with_the_tool_of_that_name() -> None:
    found = ask(agent_plan("react", tools=("web_search",)), tool(name="web_search"), text="please search x")

    assert (found.text, found.iterations) == (
        'Final answer based on tool results: {"found": "please search x"}',
        2,
    )


def test_the_offline_model_searches_even_without_it() -> None:
    found = ask(agent_plan("react", tools=("lookup",)), tool(), text="search x")

    assert found.text == "Final answer based on tool results: web_search: {'query': 'search x'}"


def test_the_offline_model_in_one_go_only_says_that_it_would() -> None:
    assert ask(agent_plan(tools=("lookup",)), tool(), text="search x").text == "I need to search."


def test_an_agent_with_tools_and_no_strategy_calls_them(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", '{"query": "a"}'), completion("done"))
    agent = with_strategy(served_agent(chat.base_url, tools=("lookup",)), StrategyPlan())

    assert ask(agent, tool()).text == "done"


def test_an_agent_that_is_to_answer_in_one_go_is_offered_no_tools(chat: ChatServer) -> None:
    agent = with_strategy(served_agent(chat.base_url, tools=("lookup",)), StrategyPlan(is_declared=True))

    assert ask(agent, tool()).text == "echo: hello"
    assert "tools" not in chat.requests[0].body


def test_a_huge_result_is_cut(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", "{}"))

    ask(served_agent(chat.base_url, "react", tools=("lookup",)), tool("huge", parameters={}))

    assert heard(chat)[0].endswith("x...[truncated 1000000 characters]")
