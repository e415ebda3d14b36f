"""The spans of runs, and the ids on the log lines of their work. One trace for each run, whoever advances it, and when.

The row keeps where its trace begins (``traceparent``). What a message of the broker says is only who rang.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

from structlog.contextvars import bind_contextvars, reset_contextvars

from kneo_project import spans
from kneo_project.spans import HERE, Span
from runs.agents.errors import StepInterrupted
from runs.engine.actions import RunStep, Work
from runs.engine.outcomes import Failed, Outcome
from runs.engine.progress import Progress
from runs.leases import Lease
from runs.models import Run


@contextmanager
def _on_lines(**ids: object) -> Iterator[None]:
    """Put ``ids`` on the log lines of the block. The library's own word for it looks through the whole context."""
    tokens = bind_contextvars(**{name: str(value) for name, value in ids.items()})
    try:
        yield
    finally:
        reset_contextvars(**tokens)


@contextmanager
def leg(lease: Lease, began: int) -> Iterator[Span]:
    """Mark what one worker does for a run without a break; it looked for one at ``began``, in nanoseconds."""
    about = {
        "kneo.run.id": lease.run_id,
        "kneo.run.attempt": lease.attempts + 1,
        "kneo.run.sequence": lease.sequence,
        "kneo.branch_of.run.id": lease.within_id,
        "kneo.worker.id": lease.owner_id,
    }
    with _on_lines(run_id=lease.run_id), spans.span("kneo.run", about, parent=lease.traceparent, since=began) as span:
        claimed = {"kneo.run.id": lease.run_id, "kneo.worker.id": lease.owner_id, "kneo.lease.fence": lease.fence}
        with spans.span("kneo.worker.lease", claimed, since=began):
            pass
        yield span


@contextmanager
def step(action: Work, run_id: UUID | str) -> Iterator[Span]:
    """Mark one attempt of a step."""
    about: dict[str, object] = {
        "kneo.run.id": run_id,
        "kneo.step.path": action.path,
        "kneo.step.iteration": action.iteration,
        "kneo.step.attempt": action.attempt,
    }
    step_id = action.path
    if isinstance(action, RunStep):
        step_id = action.step.id
        about |= {"kneo.step.kind": action.work.kind.value, "kneo.workflow.name": action.place.workflow_name}
    about["kneo.step.id"] = step_id
    with _on_lines(step_id=step_id), spans.span("kneo.step", about, harmless=(StepInterrupted,)) as span:
        yield span


def tell_outcome(span: Span, outcome: Outcome) -> None:
    """Note what came of a step."""
    span.note({"kneo.step.outcome": type(outcome).__name__.lower()})
    if isinstance(outcome, Failed):
        span.fail(outcome.fault.type, outcome.fault.message)


def tell_end(progress: Progress) -> None:
    """Note that the run does not go on at once, and why if it failed."""
    span = spans.here()
    span.note({"kneo.run.status": progress.status.value})
    if progress.fault is not None:
        span.fail(progress.fault.type, progress.fault.message)


def dispatch(run_id: UUID | str, *, parent: str | None = HERE) -> AbstractContextManager[Span]:
    """Mark that workers are told of a run; by default that is part of what is going on."""
    return spans.span("kneo.queue.dispatch", {"kneo.run.id": run_id}, parent=parent)


def lock(continuation_id: UUID) -> AbstractContextManager[Span]:
    """Mark how long an answer waits until nobody else can change its run."""
    return spans.span("kneo.continuation.lock", {"kneo.continuation.id": continuation_id})


def begin(run: Run) -> None:
    """Let the trace of a new run go on from what is going on; its row is written by the caller."""
    run.traceparent = spans.traceparent() or run.traceparent
    spans.here().note({"kneo.run.id": run.pk})


def beginnings(run_ids: Iterable[Any]) -> Mapping[Any, str | None]:
    """Return where the traces of runs begin, if anybody records them."""
    if not spans.is_recording():
        return {}
    return dict(Run.objects.filter(pk__in=list(run_ids)).values_list("pk", "traceparent"))
