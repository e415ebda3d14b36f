"""What people and clients can do with runs: one function per use case. Who drives the run is the caller's business."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from humantasks import services as humantasks
from humantasks.agreeing import agree
from humantasks.errors import HumanTaskNotFound
from humantasks.models import HumanTask, TaskStatus
from humantasks.rules import Answer, Decision
from kneo_project.audit.services import record
from kneo_project.prices import NANOS
from kneo_project.queues import DEFAULT_QUEUE
from kneo_project.transient import retry_transient
from kneo_project.webhooks.event_types import EventType
from runs import fan_outs, idempotency, tracing, transitions
from runs.announcing import tell_of_task
from runs.answers import progress_after
from runs.approvals import keep_answer, refuse_misfit
from runs.engine import interpreter
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Fault
from runs.engine.progress import Progress
from runs.errors import QueueFull, RunNotFound, RunStateConflict
from runs.identifiers import new_run_id
from runs.models import Priority, Run, Target
from runs.rejections import rejections
from runs.restoring import askers_of, restore_state
from specs.services import SkillsOverlay, SpecSource, freeze, load_plan, store


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """A request to start a run. ``timeout_seconds`` is the run's deadline from now; None is none.

    ``token_budget`` is how many tokens all its model calls may use together, and ``cost_budget`` how much money in
    units of the currency; None leaves it to the operator. ``queue`` is one of ``kneo_project.queues.names()``.
    ``triggered_by`` is who had a schedule order it; where the clock did, it is the order of ``scheduled_by``.
    ``event_type`` is what the audit log calls it. One request is one run, ``run_id``, however often it is tried.
    """

    source: SpecSource
    input_text: str
    run_id: uuid.UUID = field(default_factory=new_run_id)
    target: Target = Target.WORKFLOW
    session_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    queue: str = DEFAULT_QUEUE
    priority: Priority = Priority.NORMAL
    timeout_seconds: int | None = None
    token_budget: int | None = None
    cost_budget: float | None = None
    async_mode: bool = False
    triggered_by: str | None = None
    scheduled_by: tuple[str, ...] = ()
    event_type: str = "run.created"


@retry_transient
def start_run(request: StartRun, *, actor: str, key: idempotency.Key | None = None) -> Run:
    """Create the run that ``request`` asks for: frozen spec, run, first checkpoint, audit event and key, or nothing.

    Raises SpecInvalid, InvalidRequest or SpecPathConfined for a spec that cannot run, and QueueFull.
    """
    frozen = freeze(request.source, allowed_functions=settings.FUNCTION_MODULES)
    refuse_when_full()
    run = _new_run(request, frozen.digest, actor)
    workflow = interpreter.root_workflow(frozen.plan, wants_agent=request.target == Target.AGENT)
    run.agent_name = frozen.plan.agent.name
    run.workflow_name = None if workflow is None else workflow.name
    try:
        with transaction.atomic():
            run.snapshot = store(frozen)
            transitions.start(run, triggered_by=request.triggered_by, scheduled_by=request.scheduled_by)
            idempotency.bind(key, run)
            record(request.event_type, actor=actor, run_id=run.pk, metadata=_creation(request))
    except IntegrityError:
        # It was committed by the try before, and the connection lost before that was known?
        if (started := Run.objects.filter(pk=run.pk).first()) is None:
            raise
        return started
    return run


def refuse_when_full() -> None:
    """Do nothing, unless as many runs are waiting as the operator allows. Raises QueueFull."""
    limit = settings.MAX_QUEUE_DEPTH
    if not limit:
        return
    depth = Run.objects.due().whole().count()
    if depth >= limit:
        rejections.note()
        raise QueueFull(queue_depth=depth, limit=limit)


def _new_run(request: StartRun, digest: str, actor: str) -> Run:
    now = timezone.now()
    timeout = request.timeout_seconds
    return Run(
        pk=request.run_id,
        target=request.target,
        snapshot_id=digest,
        spec_path=request.source.spec_path,
        overlay_paths=list(request.source.overlays),
        environment=request.source.environment,
        session_id=request.session_id,
        ordered_by=actor,
        caller_metadata=dict(request.metadata),
        tags=list(request.tags),
        queue=request.queue,
        priority=request.priority,
        input_text=request.input_text,
        timeout_seconds=timeout,
        token_budget=request.token_budget,
        cost_budget_nanos=None if request.cost_budget is None else round(request.cost_budget * NANOS),
        deadline_at=None if timeout is None else now + timedelta(seconds=timeout),
        created_at=now,
        updated_at=now,
    )


def _creation(request: StartRun) -> dict[str, Any]:
    return {
        "async_mode": request.async_mode,
        "target": request.target,
        "spec_path": request.source.spec_path,
        "inline_spec": request.source.spec is not None,
        "environment": request.source.environment,
        "session_id": request.session_id,
        "metadata": dict(request.metadata),
        **_chosen_place(request),
        **_chosen_skills(request.source.skills),
    }


def _chosen_place(request: StartRun) -> dict[str, Any]:
    usual = {"queue": DEFAULT_QUEUE, "priority": Priority.NORMAL.word}
    chosen = {"queue": request.queue, "priority": request.priority.word}
    return {name: value for name, value in chosen.items() if value != usual[name]}


def _chosen_skills(skills: SkillsOverlay) -> dict[str, Any]:
    chosen = {"add": list(skills.add), "disable": list(skills.disable)}
    return {"skills_overlay": chosen} if any(chosen.values()) else {}


def find_run(run_id: uuid.UUID) -> Run:
    """Return the run. Raises RunNotFound."""
    run = Run.objects.select_related("snapshot").filter(pk=run_id).first()
    if run is None:
        raise RunNotFound(run_id=str(run_id))
    return run


@retry_transient
def cancel_run(run_id: uuid.UUID, *, actor: str) -> Run:
    """Cancel the run at once, whatever it is doing; a run that has ended stays as it is. Raises RunNotFound."""
    fault = Fault(type="cancelled", message="Run cancellation requested.")
    with transaction.atomic():
        refuse_branch(find_run(run_id))
        if transitions.cancel(run_id, fault):
            record("run.cancelled", actor=actor, run_id=run_id)
    return find_run(run_id)


@retry_transient
def time_out_run(run_id: uuid.UUID) -> bool:
    """End a run whose deadline has passed; return False when it had ended before."""
    run = find_run(run_id)
    if run.within_id:
        return time_out_run(run.within_id)
    if run.deadline_at is None or run.deadline_at > timezone.now():
        return False
    fault = Fault(type="run_timed_out", message=f"The run did not finish within {run.timeout_seconds} seconds.")
    facts = {
        "timeout_seconds": run.timeout_seconds,
        "deadline_at": run.deadline_at.timestamp(),
        "timed_out_at": timezone.now().timestamp(),
        "status_at_timeout": run.status,
    }
    with transaction.atomic():
        if not transitions.time_out(run_id, fault):
            return False
        record("run.timed_out", actor=None, run_id=run_id, metadata=facts)
    return True


@retry_transient
def resume_run(task_id: uuid.UUID, answer: Answer, *, actor: str, key: idempotency.Key | None = None) -> Run:
    """Spend the human task on ``answer`` and let its run go on: decision, checkpoints, audit and key, or nothing.

    Where several people have to agree, the task stays open until the last of them has answered, or one has rejected.

    Raises HumanTaskNotFound, HumanTaskExpired, HumanTaskClaimed, RequestMismatch, InvalidDecision, AlreadyApproved,
    RequesterExcluded or RunStateConflict.
    """
    now = timezone.now()
    asked = humantasks.open_task_of(task_id)
    with transaction.atomic():
        run = _locked_for(asked)
        task = humantasks.open_task_of(task_id, for_update=True)
        humantasks.refuse_answer(task, answer, by=actor, at=now)
        refuse_misfit(load_plan(run.snapshot_id), task, answer)
        agreed = agree(task, answer, by=actor, at=now, requesters=requesters_of(run) if task.exclude_requester else ())
        _refuse_unsettable(run, task, answer)
        idempotency.bind(key, run)
        facts = {
            "request_id": answer.request_id,
            "decision": answer.decision,
            "has_content": answer.content is not None,
            "has_form": answer.form is not None,
            "selected_option": answer.selected_option,
        }
        if agreed is None:
            facts["approvals"] = f"{task.approvals.count()} of {task.approvals_needed}"
            record("human.approval", actor=actor, run_id=run.pk, continuation_id=task.pk, metadata=facts)
            return run
        progress = _spend(run, task, agreed, decided_by=actor, at=now)
        if progress is None:
            raise HumanTaskNotFound(continuation_id=str(task_id))
        facts["status"] = progress.status
        record("human.decision", actor=actor, run_id=run.pk, continuation_id=task.pk, metadata=facts)
    return find_run(run.pk)


def requesters_of(run: Run) -> set[str]:
    """Return whose order ``run`` is, or the run that it is a branch of: who started, scheduled, or forked it."""
    whole = run.within or run
    return {*filter(None, [whole.ordered_by]), *askers_of(whole)}


def approve_overdue(task: HumanTask) -> bool:
    """Let the run of an overdue task go on as if it had been approved; return False when it was answered meanwhile."""
    now = timezone.now()
    why = {"auto_continued": True, "reason": "timeout", "original_assignee": task.assignee}
    answer = Answer(request_id=str(task.request_id), decision=Decision.APPROVED, metadata=why)
    with transaction.atomic():
        run = locked_run(task.run_id)
        if _spend(run, task, answer, decided_by=None, at=now) is None:
            transaction.set_rollback(True)
            return False
        record("human.continued", actor=None, run_id=run.pk, continuation_id=task.pk, metadata=_overdue(task))
    return True


def expire_run(task: HumanTask) -> bool:
    """End the run of an overdue task; return False when it was answered or ended meanwhile."""
    fault = Fault(type="human_task_expired", message="A human task was not answered in time.")
    with transaction.atomic():
        run = locked_run(task.run_id)
        if not HumanTask.objects.overdue().filter(pk=task.pk).exists():
            return False
        humantasks.close_tasks([run.pk], TaskStatus.EXPIRED)
        if not transitions.expire(run.within_id or run.pk, fault):
            transaction.set_rollback(True)
            return False
        record("human.expired", actor=None, run_id=run.pk, continuation_id=task.pk, metadata=_overdue(task))
    return True


def escalate_task(task: HumanTask) -> bool:
    """Flag an overdue task and keep it open; return False when that is no longer called for."""
    with transaction.atomic():
        if not humantasks.escalate(task, at := timezone.now()):
            return False
        facts = _overdue(task) | {"assignee": task.assignee}
        record("human.escalated", actor=None, run_id=task.run_id, continuation_id=task.pk, metadata=facts)
        tell_of_task(task, EventType.HUMAN_TASK_ESCALATED, at)
    return True


def give_up_run(run: Run) -> bool:
    """End a run whose executions keep dying with their process; return False when it moved meanwhile."""
    attempts = run.attempts + 1
    fault = Fault(type="dead_letter", message=f"The run's process died {attempts} times; the run was given up.")
    facts = {"attempts": attempts, "limit": settings.QUEUE_MAX_ATTEMPTS}
    with transaction.atomic():
        if not transitions.dead_letter(run, fault):
            return False
        record("run.dead_lettered", actor=None, run_id=run.pk, metadata=facts)
    return True


def refuse_branch(run: Run) -> None:
    """Do nothing, unless ``run`` is a branch of another. Raises RunStateConflict, which names that run."""
    if run.within_id:
        message = "This run is a branch of another, and cannot be stopped or begun again apart from it."
        raise RunStateConflict(message, run_id=str(run.pk), branch_of=str(run.within_id))


def locked_run(run_id: uuid.UUID) -> Run:
    """Return the run, which nobody else changes before the caller's transaction ends. Raises RunNotFound."""
    fan_outs.lock(Run.objects.filter(pk=run_id).values_list("within_id", flat=True).first())
    run = Run.objects.select_for_update(of=("self",)).select_related("snapshot").filter(pk=run_id).first()
    if run is None:
        raise RunNotFound(run_id=str(run_id))
    return run


def _locked_for(task: HumanTask) -> Run:
    """Return the run of ``task``, locked; the trace of the answer points to that of the run."""
    with tracing.lock(task.pk) as span:
        run = locked_run(task.run_id)
        span.note({"kneo.run.id": run.pk})
        span.link(run.traceparent)
    return run


def _spend(run: Run, task: HumanTask, answer: Answer, *, decided_by: str | None, at: datetime) -> Progress | None:
    """Record ``answer`` and let ``run`` go on with it, in the caller's transaction; the run is locked.

    A run that is at work takes the answer up by itself. None when the task or the run has come to an end.
    """
    if run.is_terminal:
        return None
    is_waiting = run.status == Status.BLOCKED
    progress = _progress_after(run, task, answer) if is_waiting else Progress()
    if progress is None:
        raise RunStateConflict(run_id=str(run.pk), status=run.status)
    if not humantasks.record_decision(task, answer, decided_by=decided_by, at=at, awaits_run=not is_waiting):
        return None
    if not is_waiting:
        transitions.wake(run)
    elif not transitions.unblock(run, progress, at):
        raise RunStateConflict(run_id=str(run.pk), status=run.status)
    else:
        keep_answer(task, answer)
    return progress


def _refuse_unsettable(run: Run, task: HumanTask, answer: Answer) -> None:
    """Do nothing, unless the form of ``answer`` holds variables that cannot be set. Raises InvalidDecision.

    Asked before anything is kept: those who have to agree with the answer, or the worker that takes it up later, can
    change nothing about it.
    """
    if answer.form is not None and not run.is_terminal:
        _progress_after(run, task, answer)


def _progress_after(run: Run, task: HumanTask, answer: Answer) -> Progress | None:
    plan = load_plan(run.snapshot_id)
    workflow = interpreter.root_workflow(plan, wants_agent=run.target == Target.AGENT)
    has_workflow = workflow is not None
    state = restore_state(
        run.pk, cursor=run.cursor, sequence=run.sequence, input_text=run.input_text, has_workflow=has_workflow
    )
    return progress_after(plan, workflow, state, task, answer)


def _overdue(task: HumanTask) -> dict[str, Any]:
    return {
        "timeout_seconds": task.timeout_seconds,
        "expired_at": timezone.now().timestamp(),
        "expires_at": task.expires_at.timestamp() if task.expires_at else None,
        "on_timeout": task.on_timeout,
    }
