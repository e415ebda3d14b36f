"""The time of steps that are workflows, under a lease: it begins, and it is over."""

from django.db import transaction
from django.utils import timezone

from humantasks import services as humantasks
from kneo_project.transient import retry_transient
from runs import fan_outs, transitions
from runs.asking import Taken
from runs.engine import timeouts
from runs.engine.retrying import RetryPolicy
from runs.engine.state import State
from runs.leases import Lease
from specs.language.plan import Plan, WorkflowPlan


@retry_transient
def keep_time(lease: Lease, plan: Plan, workflow: WorkflowPlan, state: State, policy: RetryPolicy) -> Taken | None:
    """Let the time of workflows begin that were entered, and end the first that has taken too long; None for neither.

    With it end the questions and the branches inside it.
    """
    at = timezone.now()
    where = timeouts.overdue(state, at.timestamp())
    if where is not None:
        progress = timeouts.time_out(plan, workflow, state, where, policy, at)
        with transaction.atomic():
            fan_outs.lock(lease.within_id or lease.run_id)
            after = transitions.commit_step(lease, progress, at)
            if after is not None:
                humantasks.close_tasks_below(lease.run_id, where.prefix)
                fan_outs.end_below(lease.run_id, where.prefix, at)
        return Taken(progress=progress, lease=after)
    if timeouts.have_to_begin(plan, workflow, state):
        progress = timeouts.begin(plan, workflow, state, at)
        return Taken(progress=progress, lease=transitions.commit_step(lease, progress, at))
    return None
