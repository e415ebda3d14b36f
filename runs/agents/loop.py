"""Agents from a worker thread: one turn, or one check, waited for until it is there or interrupted."""

from collections.abc import Awaitable, Callable, Sequence

from runs.agents.answering import AgentReply, Agents
from runs.agents.guardrails.stages import Checked
from runs.agents.interrupting import run_interruptibly
from runs.agents.models.provider import Message
from specs.language.agent_plan import AgentPlan, Stage


def run_agent(agents: Agents, agent: AgentPlan, text: str, history: Sequence[Message] = ()) -> AgentReply:
    """Return the answer of ``agent`` to ``text``; ``history`` are its earlier turns.

    Raises:
        StepInterrupted: the interrupt of the step was tripped; the model's socket is closed.
        Exception: as ``Agents.answer``.
    """
    return run_interruptibly(_closing(agents, lambda: agents.answer(agent, text, history)), agents.context.interrupt)


def check_output(agents: Agents, agent: AgentPlan, text: str) -> Checked:
    """Return what may flow on of a step's output ``text``, by the workflow guardrails of ``agent``.

    Raises:
        StepInterrupted: the interrupt of the step was tripped.
        GuardrailViolation: nothing may.
        Exception: whatever an agent or function raises that is asked to judge.
    """
    return run_interruptibly(
        _closing(agents, lambda: agents.check(agent, Stage.WORKFLOW, text)), agents.context.interrupt
    )


async def _closing[T](agents: Agents, work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of ``work``, with every session closed that was opened for it."""
    try:
        return await work()
    finally:
        await agents.sessions.close()
