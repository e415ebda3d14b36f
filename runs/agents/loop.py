"""Run one agent on one text, from a worker thread."""

from dataclasses import dataclass

from runs.agents.bridge import converse
from runs.agents.budget import MeteredProvider
from runs.agents.context import StepContext
from runs.agents.interrupting import run_interruptibly
from runs.agents.models.binding import bind
from runs.agents.models.provider import Message
from runs.agents.models.usage import Usage
from runs.agents.settings import AgentSettings
from specs.language.agent_plan import AgentPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReply:
    """What an agent answered, and how: ``provider`` and ``model`` are those that were really asked."""

    text: str
    messages: tuple[Message, ...]
    usage: Usage | None
    iterations: int
    runtime_mode: str
    runtime_name: str
    provider: str
    model: str


def run_agent(agent: AgentPlan, text: str, *, context: StepContext, settings: AgentSettings) -> AgentReply:
    """Return the answer of ``agent`` to ``text``; the calling thread waits for it, at most until it is interrupted.

    Raises:
        StepInterrupted: ``context.interrupt`` was tripped; the model's socket is closed.
        TokenBudgetExceeded: the spec's budget, else the operator's, is spent.
        MaxIterationsReached: the strategy's turns are used up.
        AgentError: the model cannot be asked; the class and ``retriable`` say why and whether that may change.
    """
    binding = bind(agent, settings)
    limit = (agent.model.token_budget if agent.model else None) or settings.token_budget
    provider = MeteredProvider(binding.provider, limit=limit)
    conversation = run_interruptibly(converse(agent, text, provider=provider, params=binding.params), context.interrupt)
    return AgentReply(
        text=conversation.text,
        messages=conversation.messages,
        usage=provider.usage,
        iterations=conversation.iterations,
        runtime_mode=binding.mode,
        runtime_name=conversation.runtime_name,
        provider=provider.name,
        model=provider.model,
    )
