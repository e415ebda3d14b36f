"""What an agent said and heard earlier, from the record of its steps: in the same run, and in its session."""

import uuid
from collections.abc import Iterator

from django.db.models.functions import Coalesce

from kneo_project.transient import retry_transient
from runs.agents.models.provider import Message
from runs.engine.actions import RunAgent, RunStep, Work
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.leases import Lease
from runs.models import Checkpoint, FanOut, Run
from specs.language.agent_plan import AgentPlan, AppendMode
from specs.language.plan import Plan, StepKind

MOST_TURNS = 100

type Turn = tuple[str | None, str | None]
"""What an agent was asked, and what it answered."""


@retry_transient
def history_of(lease: Lease, plan: Plan, action: Work) -> list[Message]:
    """Return the earlier turns that the agent of ``action`` is told of, the newest ``MOST_TURNS``; none for a function.

    No query for an agent that cannot have had a turn.
    """
    if isinstance(action, RunAgent):
        agent = action.agent
    elif action.work.kind is StepKind.AGENT:
        agent = plan.agents[action.work.ref]
    else:
        return []
    if agent.append_mode is AppendMode.NEVER:
        return []
    newest = [] if isinstance(action, RunAgent) else list(_turns_in_run(lease, plan, action))
    if agent.memory.session:
        newest += _turns_in_session(lease, agent, MOST_TURNS - len(newest))
    return [message for asked, answered in reversed(newest) for message in messages_of(agent, asked, answered)]


def _turns_in_run(lease: Lease, plan: Plan, action: RunStep) -> Iterator[Turn]:
    """Yield the turns recorded up to the text that the action works on, the newest first.

    They are the same after a crash, and none is from a branch that is still under way beside it. A branch that is a run
    of its own knows what came before it in the run it belongs to.
    """
    ref, left = action.work.ref, MOST_TURNS
    if ref not in plan.recurring and action.iteration <= 1:
        return
    for run_id, text_at in _places(lease, action.text_at):
        recorded = Checkpoint.objects.filter(
            run_id=run_id, sequence__lte=text_at, type=RecordType.STEP_COMPLETED.value, details__agent_ref=ref
        )
        turns = list(recorded.order_by("-sequence").values_list("input_text", "output_text")[:left])
        left -= len(turns)
        yield from turns


def _turns_in_session(lease: Lease, agent: AgentPlan, most: int) -> list[Turn]:
    """Return turns of the agent of that name in runs of the session that were complete before this one was created.

    A session belongs to who ordered its runs: the same label means nothing to anybody else.
    """
    whole = Run.objects.values("session_id", "ordered_by", "created_at").get(pk=lease.within_id or lease.run_id)
    if not whole["session_id"] or whole["ordered_by"] is None:
        return []
    recorded = Checkpoint.objects.filter(
        run__session_id=whole["session_id"],
        run__ordered_by=whole["ordered_by"],
        run__status=Status.COMPLETED,
        run__completed_at__lt=whole["created_at"],
        type__in=(RecordType.STEP_COMPLETED.value, RecordType.RUN_COMPLETED.value),
        details__agent_name=agent.name,
    )
    newest = recorded.order_by("-run__completed_at", "-run_id", "-sequence")
    return list(newest.values_list(Coalesce("input_text", "run__input_text"), "output_text")[:most])


def _places(lease: Lease, text_at: int) -> Iterator[tuple[uuid.UUID, int]]:
    """Yield the runs whose record counts, the innermost first, and up to which checkpoint it does."""
    yield lease.run_id, text_at
    number = lease.branch_of_id
    while number is not None:
        fan_out = FanOut.objects.select_related("run").get(pk=number)
        yield fan_out.run_id, fan_out.text_at
        number = fan_out.run.branch_of_id


def messages_of(agent: AgentPlan, asked: str | None, answered: str | None) -> list[Message]:
    """Return what ``agent`` is told of a turn in which it was asked and answered this."""
    said = {AppendMode.AUTO: ("user", "assistant"), AppendMode.USER_ONLY: ("user",)}
    roles = said.get(agent.append_mode, ("assistant",))
    turn = [Message(role="user", content=asked or ""), Message(role="assistant", content=answered or "")]
    return [message for message in turn if message.role in roles]
