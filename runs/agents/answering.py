"""One turn of an agent: memory, guardrails and tools around its conversation with a model."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from kneo_project.prices import price_of
from runs.agents.bridge import Conversation, converse
from runs.agents.budget import Meter, MeteredProvider
from runs.agents.context import StepContext
from runs.agents.diary import Diary, Happening
from runs.agents.errors import AgentsTooDeep, GuardrailViolation, ProviderError
from runs.agents.functions import call_beside
from runs.agents.guardrails.stages import Checked, Checks
from runs.agents.journal import Journal
from runs.agents.memory import remembered
from runs.agents.models.binding import Binding, bind
from runs.agents.models.journaled import JournaledProvider, counts_of, kept_usage
from runs.agents.models.provider import Message, Provider
from runs.agents.models.usage import Usage
from runs.agents.people import PersonAnswer, Question, answer_in
from runs.agents.settings import AgentSettings
from runs.agents.tools.backings import Backing
from runs.agents.tools.mcp_sessions import McpSessions
from runs.agents.tools.toolbox import Toolbox
from runs.agents.tracing import TracedProvider, agent_span, tell_turn
from specs.language.agent_plan import AgentPlan, MemoryPolicy, Stage
from specs.language.plan import Plan

OFFLINE = "bridge"
MAX_DEPTH = 8
MAX_RETRIES_OF_ANSWERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReply:
    """What an agent answered, and how: ``provider`` and ``model`` are those that were really asked.

    ``usage`` includes the agents that it asked in turn.
    """

    text: str
    messages: tuple[Message, ...]
    usage: Usage | None
    iterations: int
    runtime_mode: str
    runtime_name: str
    provider: str
    model: str
    details: dict[str, Any] = field(default_factory=dict)


type RunWorkflow = Callable[["Agents", str, str], Awaitable[str]]
"""Gives what a workflow, by its name, makes of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """The agents and functions of one plan, within one step.

    What they do is written into ``diary``; answers that cost something are kept in ``journal``, below ``prefix``.
    ``run_workflow`` answers for agents that stand for a workflow.
    ``depth`` counts agents that were asked by agents; what all of them cost is counted by ``meter``.
    """

    plan: Plan
    settings: AgentSettings
    context: StepContext
    diary: Diary
    journal: Journal
    prefix: str = ""
    depth: int = 0
    meter: Meter = field(default_factory=Meter)
    sessions: McpSessions
    run_workflow: "RunWorkflow | None" = None

    def within(self, key: str) -> "Agents":
        """Return the same agents for questions that belong to the part ``key`` of the step."""
        return replace(self, prefix=f"{self.prefix}{key}/")

    async def ask_person(self, question: Question) -> PersonAnswer:
        """Return what a person has answered to ``question``; see ``Helpers``."""
        return await answer_in(self.journal, replace(question, key=f"{self.prefix}{question.key}"))

    async def ask_agent(self, name: str, text: str, *, key: str) -> str:
        """Return what the agent ``name`` answers to ``text``; see ``Helpers``."""
        if self.depth >= MAX_DEPTH:
            raise AgentsTooDeep(f"Agents asked each other more than {MAX_DEPTH} levels deep.")
        place = f"{self.prefix}{key}"
        kept = await self.journal.recall(place)
        if kept is None:
            kept = await self._asked(name, text, key)
            await self.journal.record(place, kept)
        elif usage := kept_usage(kept["usage"]):
            self.meter.add(usage)
        return str(kept["text"])

    async def _asked(self, name: str, text: str, key: str) -> dict[str, Any]:
        others = replace(self.within(key), depth=self.depth + 1, meter=self.meter.part())
        agent = self.plan.agents[name]
        if agent.as_agent is None:
            answer = (await others.answer(agent, text)).text
        elif self.run_workflow is not None:
            answer = await self.run_workflow(others, agent.as_agent, text)
        else:
            raise AssertionError("nobody runs workflows here")
        return {"text": answer, "usage": counts_of(others.meter.usage)}

    async def call_function(self, name: str, text: str, **keywords: Any) -> object:
        """Return what the function ``name`` makes of ``text``; see ``Helpers``."""
        return await call_beside(
            self.plan.functions[name].implementation,
            text,
            context=self.context,
            allowed_modules=self.settings.function_modules,
            **keywords,
        )

    async def ask(self, name: str, text: str, *, key: str, **keywords: Any) -> object:
        """Return what the agent or function ``name`` makes of ``text``; see ``Helpers``."""
        if name in self.plan.agents:
            return await self.ask_agent(name, text, key=key)
        return await self.call_function(name, text, **keywords)

    async def answer(self, agent: AgentPlan, text: str, history: Sequence[Message] = ()) -> AgentReply:
        """Return the answer of ``agent`` to ``text``, which follows its earlier turns in ``history``.

        Raises:
            Violation: a guardrail or a rule for tools stopped it.
            TokenBudgetExceeded: the spec's budget, else the operator's, is spent.
            MaxIterationsReached: the strategy's turns are used up.
            AgentError: the model cannot be asked; the class and ``retriable`` say why and whether that may change.
            Exception: whatever a function raises that memory or a guardrail needs.
        """
        with agent_span(agent) as span:
            reply = await self._answered(agent, [*history, Message(role="user", content=text)])
            tell_turn(span, reply.provider, reply.model, reply.iterations, reply.usage)
        return reply

    async def _answered(self, agent: AgentPlan, messages: Sequence[Message]) -> AgentReply:
        text = messages[-1].content
        self.diary.write(
            Happening.AGENT_STARTED, agent.name, input_text=text, metadata={"message_count": len(messages)}
        )
        try:
            reply = await self._turn(agent, messages)
        except Exception as error:
            self.diary.write(Happening.AGENT_FAILED, agent.name, error=str(error))
            raise
        about = {"runtime_mode": reply.runtime_mode, "model_provider": reply.provider, "model_name": reply.model or ""}
        count = {"message_count": len(reply.messages)}
        self.diary.write(
            Happening.AGENT_COMPLETED, agent.name, output_text=reply.text, about=about, metadata=count | reply.details
        )
        return reply

    def tools_of(self, agent: AgentPlan, *, is_offline: bool) -> Toolbox:
        """Return the tools of ``agent`` for one conversation; ``is_offline`` says that its model is the offline one."""
        return Toolbox(
            agent=agent,
            tools={name: self.plan.tools[name] for name in agent.tools},
            backing=Backing(agent=agent, context=self.context, settings=self.settings, sessions=self.sessions),
            checks=self._checks(agent, Stage.TOOL),
            helpers=self,
            diary=self.diary,
            journal=self.journal,
            prefix=self.prefix,
            is_offline=is_offline,
        )

    async def check(self, agent: AgentPlan, stage: Stage, text: str, *, may_retry: bool = False) -> Checked:
        """Return what may flow on of ``text`` by the guardrails of ``agent`` for ``stage``; see ``Checks.apply``."""
        return await self._checks(agent, stage).apply(text, self.within(stage.value), may_retry=may_retry)

    async def _turn(self, agent: AgentPlan, messages: Sequence[Message]) -> AgentReply:
        binding = bind(agent, self.settings, partial(self._tell_of_failure, agent))
        agent = _looping(agent, binding)
        limit = (agent.model.token_budget if agent.model else None) or self.settings.token_budget
        inner: Provider = TracedProvider(binding.provider)
        if _has_several_calls(agent) or self.plan.asks_people:
            inner = JournaledProvider(inner, self.journal, self.prefix)
        price = price_of(inner.model, self.settings.prices)
        is_free = binding.mode == OFFLINE
        provider = MeteredProvider(inner, limit=limit, meter=self.meter, price=price, is_free=is_free)
        seen = await remembered(agent.memory, messages, self)
        await self.check(agent, Stage.INPUT, "\n".join(each.content for each in seen if each.role == "user"))
        conversation, checked = await self._conversation(agent, seen, replace(binding, provider=provider))
        return AgentReply(
            text=checked.text,
            messages=conversation.messages,
            usage=self.meter.usage,
            iterations=conversation.iterations,
            runtime_mode=binding.mode,
            runtime_name=conversation.runtime_name,
            provider=provider.name,
            model=provider.model,
            details=_details(agent, messages, seen, checked) | _cut(conversation),
        )

    def _tell_of_failure(self, agent: AgentPlan, attempt: int, error: ProviderError) -> None:
        model = {"model_provider": agent.model.provider, "model_name": agent.model.name} if agent.model else {}
        metadata = {"attempt": attempt, "status": error.status, "error_type": type(error).__name__}
        self.diary.write(Happening.MODEL_CALL_FAILED, agent.name, error=str(error), about=model, metadata=metadata)

    async def _conversation(
        self, agent: AgentPlan, messages: Sequence[Message], binding: Binding
    ) -> tuple[Conversation, Checked]:
        """Return a conversation whose answer may flow on; an answer that may not is asked for again, some times."""
        said = messages
        for attempt in range(1, 2 + MAX_RETRIES_OF_ANSWERS):
            part = self.within(f"answer/{attempt}")
            tools = part.tools_of(agent, is_offline=binding.mode == OFFLINE)
            conversation = await converse(agent, said, provider=binding.provider, params=binding.params, tools=tools)
            checked = await part.check(agent, Stage.OUTPUT, conversation.text, may_retry=True)
            if checked.retry is None:
                return conversation, checked
            said = [*conversation.messages, Message(role="user", content=f"{checked.retry} Answer again.")]
        raise GuardrailViolation(checked.retry or "")

    def _checks(self, agent: AgentPlan, stage: Stage) -> Checks:
        return Checks(stage=stage, guardrails=agent.guardrails.get(stage, ()), agent_name=agent.name, diary=self.diary)


def _has_several_calls(agent: AgentPlan) -> bool:
    """Return whether a turn of ``agent`` may be more than one question to its model: then answers are worth keeping."""
    return bool(agent.tools or agent.guardrails.get(Stage.OUTPUT)) or agent.strategy.type == "plan-act"


def _looping(agent: AgentPlan, binding: Binding) -> AgentPlan:
    """Return ``agent`` with a strategy that calls its tools, if it has some and the spec leaves the strategy open.

    The offline model answers in one go all the same: demos and tests rely on it.
    """
    if not agent.tools or agent.strategy.is_declared or binding.mode == OFFLINE:
        return agent
    return replace(agent, strategy=replace(agent.strategy, type="react"))


def _cut(conversation: Conversation) -> dict[str, Any]:
    return {"is_cut_off": True} if conversation.is_cut_off else {}


def _details(
    agent: AgentPlan, messages: Sequence[Message], seen: Sequence[Message], checked: Checked
) -> dict[str, Any]:
    """Return what is worth knowing later about memory and guardrails."""
    details: dict[str, Any] = {}
    if agent.memory.policy is not MemoryPolicy.FULL:
        details["memory"] = {
            "policy": agent.memory.policy.value,
            "before_message_count": len(messages),
            "after_message_count": len(seen),
        }
    if checked.changes:
        details["guardrails"] = list(checked.changes)
    return details
