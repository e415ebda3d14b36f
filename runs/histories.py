"""What an agent said and heard earlier in the same run, from the record of its steps."""

import uuid

from kneo_project.transient import retry_transient
from runs.agents.models.provider import Message
from runs.engine.actions import RunAgent, Work
from runs.engine.progress import RecordType
from runs.models import Checkpoint
from specs.language.agent_plan import AgentPlan, AppendMode
from specs.language.plan import Plan, StepKind

MOST_TURNS = 100


@retry_transient
def history_of(run_id: uuid.UUID, plan: Plan, action: Work) -> list[Message]:
    """Return the earlier turns that the agent of ``action`` is told of; none for a function.

    They are those recorded up to the text that the action works on: the same after a crash, and nothing from branches
    that are still under way beside it. At most one query, and none for an agent that cannot have had a turn.
    """
    if isinstance(action, RunAgent) or action.work.kind is not StepKind.AGENT:
        return []
    agent = plan.agents[action.work.ref]
    may_have_spoken = action.work.ref in plan.recurring or action.iteration > 1
    if agent.append_mode is AppendMode.NEVER or not may_have_spoken:
        return []
    recorded = Checkpoint.objects.filter(
        run_id=run_id,
        sequence__lte=action.text_at,
        type=RecordType.STEP_COMPLETED.value,
        details__agent_ref=action.work.ref,
    )
    newest = recorded.order_by("-sequence").values_list("input_text", "output_text")[:MOST_TURNS]
    return [message for asked, answered in reversed(newest) for message in _turn(agent, asked, answered)]


def _turn(agent: AgentPlan, asked: str | None, answered: str | None) -> list[Message]:
    said = {AppendMode.AUTO: ("user", "assistant"), AppendMode.USER_ONLY: ("user",)}
    roles = said.get(agent.append_mode, ("assistant",))
    turn = [Message(role="user", content=asked or ""), Message(role="assistant", content=answered or "")]
    return [message for message in turn if message.role in roles]
