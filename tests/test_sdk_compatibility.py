"""The part of the agent SDK that this service stands on: what it calls, and in which order it is called back."""

import asyncio
import inspect
from collections.abc import AsyncGenerator
from typing import Any, Literal

import kneo_agent as sdk
import pytest

LOOKUP = sdk.ToolDefinition("lookup", "Look it up.", {"type": "object"})


class Script:
    """A runtime that says what it is told to say, and notes what it is asked."""

    def __init__(self, *answers: sdk.ModelResponse) -> None:
        self.answers = list(answers)
        self.asked: list[list[tuple[str, str]]] = []
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.offered: list[int] = []

    @property
    def platform_name(self) -> str:
        return "script"

    async def complete(self, messages: list[sdk.Message], config: sdk.RunConfig) -> sdk.ModelResponse:
        self.asked.append([(message.role, message.content) for message in messages])
        self.offered.append(len(config.tools or []))
        return self.answers.pop(0)

    async def execute_tool(self, call: sdk.ToolCall, config: sdk.RunConfig) -> str:
        self.called.append((call.name, dict(call.arguments)))
        return f"found {call.arguments['q']}"

    async def stream_tokens(self, messages: list[sdk.Message], config: sdk.RunConfig) -> AsyncGenerator[str, None]:
        yield (await self.complete(messages, config)).text

    def supports_tools(self) -> bool:
        return True

    def supports_streaming(self) -> bool:
        return False


def run(script: Script, strategy: Literal["simple", "react", "plan-act"], **config: Any) -> sdk.RunResult:
    """Return what an agent of ``strategy`` comes to."""
    agent = sdk.BridgeAgentFactory.custom(script, strategy=strategy)
    settings = {"max_iterations": 5, "tools": [LOOKUP], "raise_on_max_iterations": True, **config}
    return asyncio.run(agent.run([sdk.Message("user", "visa?")], sdk.RunConfig(**settings)))


def asks(*queries: str) -> sdk.ModelResponse:
    """Return an answer that wants the tool called."""
    calls = [sdk.ToolCall(f"id-{number}", "lookup", {"q": query}) for number, query in enumerate(queries)]
    return sdk.ModelResponse(text="let me see", tool_calls=calls)


def says(text: str) -> sdk.ModelResponse:
    """Return a final answer."""
    return sdk.ModelResponse(text=text, tool_calls=[])


def test_a_simple_agent_asks_once() -> None:
    script = Script(says("done"))
    result = run(script, "simple")
    assert (result.final_message, result.iterations, script.asked) == ("done", 1, [[("user", "visa?")]])


def test_a_react_agent_hears_of_its_tools_until_it_has_an_answer() -> None:
    script = Script(asks("a", "b"), says("done"))
    result = run(script, "react")

    assert (result.final_message, result.iterations) == ("done", 2)
    assert sorted(arguments["q"] for _, arguments in script.called) == ["a", "b"]
    assert {name for name, _ in script.called} == {"lookup"}
    heard = [message for message in script.asked[1] if message[0] == "tool"]
    assert heard == [("tool", "found a"), ("tool", "found b")]
    assert [message.role for message in result.messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert [message.tool_call_id for message in result.messages if message.role == "tool"] == ["id-0", "id-1"]


def test_calls_are_handed_over_as_the_objects_that_were_given() -> None:
    answer = asks("a")
    seen: list[bool] = []

    class Watching(Script):
        async def execute_tool(self, call: sdk.ToolCall, config: sdk.RunConfig) -> str:
            seen.append(any(call is given for given in answer.tool_calls))
            return "found"

    run(Watching(answer, says("done")), "react")
    assert seen == [True]


def test_a_plan_act_agent_plans_without_tools_first() -> None:
    script = Script(says("the plan"), says("done"))
    assert run(script, "plan-act").final_message == "done"
    assert script.offered[0] == 0


def test_an_agent_that_comes_to_no_answer_is_stopped() -> None:
    with pytest.raises(sdk.MaxIterationsReachedError):
        run(Script(*[asks("a")] * 3), "react", max_iterations=2)


def test_what_is_no_exception_passes_through_a_strategy() -> None:
    class Stop(BaseException):
        """What the adapter carries errors of tools in."""

    class Stopping(Script):
        async def execute_tool(self, call: sdk.ToolCall, config: sdk.RunConfig) -> str:
            raise Stop

    with pytest.raises(Stop):
        run(Stopping(asks("a"), says("done")), "react")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (sdk.RunConfig, {"max_iterations", "system_prompt", "tools", "raise_on_max_iterations"}),
        (sdk.Message, {"role", "content", "name", "tool_call_id", "tool_calls"}),
        (sdk.ToolCall, {"id", "name", "arguments"}),
        (sdk.ModelResponse, {"text", "tool_calls"}),
    ],
)
def test_the_values_have_the_fields_that_are_used(kind: type, names: set[str]) -> None:
    assert names <= set(inspect.signature(kind).parameters)
