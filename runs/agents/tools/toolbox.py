"""The tools of one agent in one turn: what the model is offered, and what a call of it goes through."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kneo_project.json_schema import JsonSchema
from kneo_project.spans import Span
from kneo_project.strict_json import storable
from runs.agents.diary import Diary, Happening
from runs.agents.errors import AgentError, StepInterrupted, ToolCallInDoubt, ToolFailed, ToolMiddlewareViolation
from runs.agents.guardrails.stages import Checks
from runs.agents.helpers import Helpers
from runs.agents.journal import Journal
from runs.agents.models.provider import ToolCall, ToolDefinition
from runs.agents.people import PersonAnswer
from runs.agents.tools import approving
from runs.agents.tools.backings import Backing
from runs.agents.tools.domains import refused_host
from runs.agents.tracing import tell_result, tool_span
from specs.language.agent_plan import AgentPlan, ToolPlan

MAX_RESULT_CHARS = 1_000_000
MOST_AT_ONCE = 16
AGAIN = {"replayed": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """Calls tools in the name of ``agent``. ``backing`` does what a tool does; ``checks`` look at its result."""

    agent: AgentPlan
    tools: Mapping[str, ToolPlan]
    backing: Backing
    checks: Checks
    helpers: Helpers
    diary: Diary
    journal: Journal
    prefix: str = ""
    is_offline: bool = False
    turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        one_by_one = self.agent.strategy.parallel_tool_calls is False
        object.__setattr__(self, "turns", asyncio.Semaphore(1 if one_by_one else MOST_AT_ONCE))

    @property
    def offered(self) -> tuple[ToolDefinition, ...]:
        """What the model is offered: nothing when the agent answers in one go, but for the offline model."""
        if self.agent.strategy.type == "simple" and not self.is_offline:
            return ()
        return tuple(
            ToolDefinition(name=tool.name, description=tool.description, parameters=tool.parameters)
            for tool in self.tools.values()
        )

    async def call(self, call: ToolCall, key: str) -> str:
        """Return what the model hears of its ``call``, which is named ``key`` within the step.

        A tool that fails is heard of as an error, unless the agent stops at such.

        Raises:
            Violation: the call is not allowed, or its result must not be heard.
            ToolFailed: the tool failed, and the agent's strategy says ``stop_on_tool_error``.
            AgentError: an agent behind the tool was stopped for good.
        """
        tool = self.tools.get(call.name)
        if tool is None:
            return self._unknown(call)
        if call.problem is not None:
            return self._failed(call.name, call.problem)
        self._refuse(tool, call.arguments)
        arguments, refusal = await self._approved(tool, call.arguments, key)
        if refusal is not None:
            return refusal
        helpers = self.helpers.within(f"tool/{key}")
        async with self.turns:
            result = await self._result(tool, arguments, key, helpers)
        checked = await self.checks.apply(result, helpers, may_retry=True)
        return _error(checked.retry) if checked.retry else checked.text

    async def prepare(self, calls: Mapping[str, ToolCall]) -> None:
        """Make sure that no call of a turn, by its key, still has to be approved, before any of them is made.

        Raises:
            PersonNeeded: one has to be; the step ends here until somebody has.
            Violation: one is not allowed.
        """
        for key, call in calls.items():
            tool = self.tools.get(call.name)
            if tool is not None and call.problem is None and approving.is_asked_for(self.agent, tool):
                self._refuse(tool, call.arguments)
                await self._asked(tool, call.arguments, key)

    async def _approved(
        self, tool: ToolPlan, arguments: Mapping[str, Any], key: str
    ) -> tuple[Mapping[str, Any], str | None]:
        """Return the arguments that a person let pass, or what the model hears because he did not."""
        if not approving.is_asked_for(self.agent, tool):
            return arguments, None
        answer = await self._asked(tool, arguments, key)
        if answer.is_rejection:
            why = approving.refusal(tool, answer)
            self._tell(Happening.TOOL_DENIED, tool.name, input_text=_shown(arguments), error=why)
            return arguments, _error(why)
        edited = approving.edited(tool, answer)
        if edited is None:
            return arguments, None
        self._refuse(tool, edited)
        return edited, None

    async def _asked(self, tool: ToolPlan, arguments: Mapping[str, Any], key: str) -> PersonAnswer:
        return await self.helpers.ask_person(approving.question(self.agent, tool, arguments, key=f"tool/{key}"))

    def _unknown(self, call: ToolCall) -> str:
        """The offline model searches whether it can or not, and takes what it asked for as found."""
        if self.is_offline:
            return f"{call.name}: {dict(call.arguments)!r}"
        return self._failed(call.name, f'No handler registered for tool "{call.name}".')

    def _refuse(self, tool: ToolPlan, arguments: Mapping[str, Any]) -> None:
        host = refused_host(arguments, allowed=self.agent.allowed_domains, denied=self.agent.denied_domains)
        if host is not None:
            raise self._denied(tool, f"The tool {tool.name!r} may not reach {host!r}", arguments)
        problem = JsonSchema(tool.parameters).first_problem(dict(arguments))
        if problem is not None:
            raise self._denied(tool, f"The arguments of the tool {tool.name!r} do not fit: {problem}", arguments)

    def _denied(self, tool: ToolPlan, why: str, arguments: Mapping[str, Any]) -> ToolMiddlewareViolation:
        self._tell(Happening.TOOL_DENIED, tool.name, input_text=_shown(arguments), error=f"{why}.")
        return ToolMiddlewareViolation(f"{why}.")

    async def _result(self, tool: ToolPlan, arguments: Mapping[str, Any], key: str, helpers: Helpers) -> str:
        """Return what the call gives, or gave before the step was run again. Agents keep their answers themselves."""
        if tool.agent is not None:
            return await self._called(tool, arguments, key, helpers)
        place, shown = f"{self.prefix}tool/{key}", _shown(arguments)
        kept = await self.journal.recall(place)
        if kept is not None and "result" in kept:
            self._tell(
                Happening.TOOL_COMPLETED, tool.name, input_text=shown, output_text=kept["result"], metadata=AGAIN
            )
            return str(kept["result"])
        if tool.retry_unsafe:
            await self._begin(tool, place, is_in_doubt=kept is not None)
        result = await self._called(tool, arguments, key, helpers)
        await self.journal.record(place, {"tool": tool.name, "result": result})
        return result

    async def _begin(self, tool: ToolPlan, place: str, *, is_in_doubt: bool) -> None:
        """Remember that the call begins. One that began before and never ended must not be made again."""
        if is_in_doubt:
            message = (
                f"The tool {tool.name!r} may have been called before the worker died, and must not be called twice"
            )
            raise ToolCallInDoubt(f"{message}; find out what it did, and go on with the run.")
        await self.journal.record(place, {"tool": tool.name})

    async def _called(self, tool: ToolPlan, arguments: Mapping[str, Any], key: str, helpers: Helpers) -> str:
        with tool_span(tool.name, arguments, f"{self.prefix}{key}") as span:
            result = await self._made(tool, arguments, key, helpers, span)
            tell_result(span, result)
        return result

    async def _made(self, tool: ToolPlan, arguments: Mapping[str, Any], key: str, helpers: Helpers, span: Span) -> str:
        shown = _shown(arguments)
        self._tell(Happening.TOOL_STARTED, tool.name, input_text=shown)
        try:
            # Within a step several conversations may go on, and each numbers its calls from the beginning.
            result = _fitting(await self.backing.call(tool, arguments, f"{self.prefix}{key}", helpers))
        except StepInterrupted:
            raise
        except Exception as error:
            if isinstance(error, AgentError) and error.is_final:
                is_denied = tool.http is not None and isinstance(error, ToolMiddlewareViolation)
                happening = Happening.TOOL_DENIED if is_denied else Happening.TOOL_FAILED
                self._tell(happening, tool.name, input_text=shown, error=str(error))
                raise
            span.fail(type(error).__name__, str(error))
            return self._failed(tool.name, str(error), input_text=shown)
        self._tell(Happening.TOOL_COMPLETED, tool.name, input_text=shown, output_text=result)
        return result

    def _failed(self, name: str, why: str, **fields: Any) -> str:
        """Return what the model hears of a call that failed, unless its agent stops at such."""
        self._tell(Happening.TOOL_FAILED, name, error=why, **fields)
        if self.agent.strategy.stop_on_tool_error:
            raise ToolFailed(f"The tool {name!r} failed: {why}")
        return _error(why)

    def _tell(self, happening: Happening, name: str, **fields: Any) -> None:
        self.diary.write(happening, self.agent.name, about={"tool_name": name}, **fields)


def _shown(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments), ensure_ascii=False, default=str)


def _error(message: str) -> str:
    return json.dumps({"error": message if len(message) <= 500 else f"{message[:499]}…"}, ensure_ascii=False)


def _fitting(text: str) -> str:
    text = storable(text)
    if len(text) <= MAX_RESULT_CHARS:
        return text
    return f"{text[:MAX_RESULT_CHARS]}...[truncated {len(text) - MAX_RESULT_CHARS} characters]"
