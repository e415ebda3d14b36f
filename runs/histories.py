"""What an agent said and heard earlier in the same run, from the record of its steps."""

import uuid
from collections.abc import Iterator

from kneo_project.transient import retry_transient
from runs.agents.models.provider import Message
from runs.engine.actions import RunAgent, Work
from runs.engine.progress import RecordType
from runs.leases import Lease
from runs.models import Checkpoint, FanOut
from specs.language.agent_plan import AgentPlan, AppendMode
from specs.language.plan import Plan, StepKind

MOST_TURNS = 100


@retry_transient
def history_of(lease: Lease, plan: Plan, action: Work) -> list[Message]:
    """Return the earlier turns that the agent of ``action`` is told of; none for a function.

    They are those recorded up to the text that the action works on: the same after a crash, and nothing from branches
    that are still under way beside it. A branch that is a run of its own knows what came before it in the run it
    belongs to. No query for an agent that cannot have had a turn.
    """
    if isinstance(action, RunAgent) or action.work.kind is not StepKind.AGENT:
        return []
    agent = plan.agents[action.work.ref]
    may_have_spoken = action.work.ref in plan.recurring or action.iteration > 1
    if agent.append_mode is AppendMode.NEVER or not may_have_spoken:
        return []
    newest: list[tuple[str | None, str | None]] = []
    for run_id, text_at in _places(lease, action.text_at):
        recorded = Checkpoint.objects.filter(
            run_id=run_id,
            sequence__lte=text_at,
            type=RecordType.STEP_COMPLETED.value,
            details__agent_ref=action.work.ref,
        )
        turns = recorded.order_by("-sequence").values_list("input_text", "output_text")
        newest += turns[: MOST_TURNS - len(newest)]
    return [message for asked, answered in reversed(newest) for message in _turn(agent, asked, answered)]


def _places(lease: Lease, text_at: int) -> Iterator[tuple[uuid.UUID, int]]:
    """Yield the runs whose record counts, the innermost first, and up to which checkpoint it does."""
    yield lease.run_id, text_at
    number = lease.branch_of_id
    while number is not None:
        fan_out = FanOut.objects.select_related("run").get(pk=number)
        yield fan_out.run_id, fan_out.text_at
        number = fan_out.run.branch_of_id


def _turn(agent: AgentPlan, asked: str | None, answered: str | None) -> list[Message]:
    said = {AppendMode.AUTO: ("user", "assistant"), AppendMode.USER_ONLY: ("user",)}
    roles = said.get(agent.append_mode, ("assistant",))
    turn = [Message(role="user", content=asked or ""), Message(role="assistant", content=answered or "")]
    return [message for message in turn if message.role in roles]
