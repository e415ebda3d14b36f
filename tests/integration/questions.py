"""Runs with a question in the middle, and what must be true of them whatever died."""

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from humantasks.models import HumanTask, TaskStatus
from humantasks.rules import Answer, Decision
from kneo_project.audit.models import AuditEvent
from runs import deadlines, executor, idempotency, services
from runs.agents.context import StepContext
from runs.engine.lifecycle import Status
from runs.models import LeaseOwner, Run
from specs.services import SpecSource
from tests.integration.crashing import in_child

TASK_STATUS_OF = {
    Status.BLOCKED: TaskStatus.OPEN,
    Status.EXPIRED: TaskStatus.EXPIRED,
    Status.CANCELLED: TaskStatus.CANCELLED,
}


def sign(text: str, context: StepContext) -> str:
    """Add the name of the step that saw the text: the function of these specs."""
    return f"{text} {context.step_path}"


def spec(**human: Any) -> dict[str, Any]:
    """Return a spec of two signed steps with a question between them."""
    return {
        "version": "v1",
        "agent": {"name": "questioner"},
        "workflow": {
            "type": "sequential",
            "name": "question",
            "steps": [
                {"id": "one", "kind": "function", "ref": "sign"},
                {"id": "ask", "kind": "human", "ref": "ask"},
                {"id": "two", "kind": "function", "ref": "sign"},
            ],
        },
        "components": {
            "functions": {"sign": {"implementation": f"{__name__}.sign"}},
            "humans": {"ask": {"timeout_seconds": 3600, **human}},
        },
    }


def start(key: idempotency.Key | None = None, **human: Any) -> Run:
    """Create a run; nobody has advanced it."""
    request = services.StartRun(source=SpecSource(spec=spec(**human)), input_text="signed by")
    return services.start_run(request, actor="alice", key=key)


def advance(run: Run) -> None:
    """Let a worker that lives advance the run."""
    in_child(executor.advance, run.pk)


def blocked(**human: Any) -> Run:
    """Create a run that waits for its answer."""
    run = start(**human)
    advance(run)
    run.refresh_from_db()
    assert run.status == Status.BLOCKED
    return run


def answered() -> Run:
    """Create a run that was answered and that nobody has advanced since."""
    run = blocked()
    answer(run)
    return run


def overdue(on_timeout: str) -> Run:
    """Create a run whose question should have been answered a minute ago."""
    run = blocked(on_timeout=on_timeout)
    HumanTask.objects.filter(run=run).update(expires_at=timezone.now() - timedelta(minutes=1))
    return run


def answer(run: Run) -> None:
    """Answer the run's question."""
    task = HumanTask.objects.get(run=run)
    decision = Answer(request_id=str(task.request_id), decision=Decision.EDITED, content="edited by bob,")
    services.resume_run(task.pk, decision, actor="bob")


def recover() -> None:
    """Do what a sweep does once every owner of a lease is known to be dead."""
    LeaseOwner.objects.all().delete()
    deadlines.recover_lapsed()


def assert_whole(run: Run) -> None:
    """Check that the run and its question agree: open exactly while the run waits, and never two of them."""
    run.refresh_from_db()
    was_asked = run.checkpoints.filter(type="human_pause").exists()
    expected = TASK_STATUS_OF.get(Status(run.status), TaskStatus.ANSWERED)
    statuses = HumanTask.objects.filter(run=run).values_list("status", flat=True)
    assert list(statuses) == [expected] * was_asked


def assert_completed(run: Run) -> None:
    """Check that the run ended well: each step recorded once, in order, and the one answer counted."""
    assert_whole(run)
    recorded = run.checkpoints.filter(type="step_completed").values_list("step_id", flat=True)
    assert (run.status, run.output_text) == (Status.COMPLETED, "edited by bob, two")
    assert list(recorded) == ["one", "ask", "two"]
    assert audited(run.pk, "human.decision") == 1


def audited(run_id: uuid.UUID, event_type: str) -> int:
    """Return how many audit events of this type the run has."""
    return AuditEvent.objects.filter(run_id=run_id, event_type=event_type).count()
