"""What happened to a run, as tables for its page: the latest rows of each kind, and where the others are.

Each is one query.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.db.models.functions import Left
from django.utils.html import format_html

from humantasks.admin import task_badge
from humantasks.models import HumanTask
from kneo_project.audit.models import AuditEvent
from kneo_project.site import showing
from kneo_project.site.pages import Related, Table
from kneo_project.site.showing import EXCERPT_SOURCE_CHARS
from runs.admin import columns
from runs.engine.lifecycle import Status
from runs.inspection.entries import place_in
from runs.models import Checkpoint, Run, TraceEvent
from runs.redriving import can_begin_fork

LATEST = 50


def branches(run_id: uuid.UUID) -> Iterable[Table]:
    """Yield a table of the branches that are runs of their own, those first that did not complete, if there are any."""
    is_done = models.Case(models.When(status=Status.COMPLETED, then=1), default=0)
    rows = Run.objects.filter(branch_of__run=run_id).annotate(
        message=_head("error_message"), output=_head("output_text")
    )
    first = rows.order_by(is_done, "branch_of", "branch_index")[:LATEST]
    names = ("branch_index", "status", "pk", "updated_at", "error_type", "message", "output")
    if shown := [_branch(row) for row in first.values(*names)]:
        url = showing.address("runs_run_changelist", query={"branches": run_id})
        yield Table(
            title="Branches",
            permission="runs.view_run",
            headings=["#", "state", "run", "updated", "output or error"],
            rows=shown,
            all_rows=Related(label="All branches of this run", url=url),
        )


def forks(run_id: uuid.UUID) -> Table:
    """Return the latest runs that were forked from this one."""
    loaded = Run.objects.only("status", "forked_at", "created_at", "workflow_name", "agent_name")
    return Table(
        title="Forks",
        permission="runs.view_run",
        headings=["state", "run", "from checkpoint", "begun"],
        rows=[_fork(row) for row in _latest(loaded.filter(parent=run_id), "-created_at")],
        all_rows=Related(
            label="All forks of this run", url=showing.address("runs_run_changelist", query={"forks": run_id})
        ),
    )


def _fork(row: Run) -> list[object]:
    return [
        columns.status_badge(row.status),
        showing.run_link(row.pk),
        showing.number(row.forked_at),
        showing.age(row.created_at),
    ]


def _branch(row: Mapping[str, Any]) -> list[object]:
    failed = columns.error(row["error_type"], row["message"])
    return [
        row["branch_index"],
        columns.status_badge(row["status"]),
        showing.run_link(row["pk"]),
        showing.age(row["updated_at"]),
        failed if row["error_type"] else showing.excerpt(row["output"]),
    ]


def checkpoints(run_id: uuid.UUID, *, can_fork: bool) -> Table:
    """Return the latest checkpoints; with a button to fork from each from which that is possible, if ``can_fork``."""
    names = ["run", "sequence", "type", "step_id", "path", "attempt", "error_type", "started_at", "created_at"]
    loaded = Checkpoint.objects.only(*names, *(["cursor"] if can_fork else []))
    heads = loaded.annotate(output=_head("output_text"), message=_head("error_message"))
    latest = heads.filter(run_id=run_id).order_by("-sequence")[:LATEST]
    return Table(
        title="Checkpoints",
        permission="runs.view_checkpoint",
        headings=["#", "type", "step", "attempt", "duration", "at", "output", *([""] if can_fork else [])],
        rows=[
            [*_checkpoint(row, row.output, row.message), *([_fork_button(row)] if can_fork else [])]
            for row in reversed(latest)
        ],
        all_rows=_all("runs_checkpoint", run_id, "All checkpoints of this run"),
    )


def _fork_button(row: Checkpoint) -> str:
    """Return a button of the form around the table, where a fork can begin."""
    if not can_begin_fork(row):
        return ""
    return format_html(
        '<button class="kneo-button kneo-small" name="checkpoint" value="{}">Fork from here…</button>', row.sequence
    )


def _checkpoint(row: Checkpoint, output: str | None, message: str | None) -> list[object]:
    failed = columns.error(row.error_type, message)
    return [
        showing.link(str(row.sequence), "runs_checkpoint_change", args=[row.pk]),
        row.type,
        step_link(row.run_id, row.step_id, row.path),
        row.attempt,
        showing.seconds_between(row.started_at, row.created_at),
        showing.age(row.created_at),
        failed if row.error_type else showing.excerpt(output),
    ]


def step_link(run_id: uuid.UUID, step_id: str | None, path: str) -> str:
    """Return the name of a step as a link to its page; a dash for what is of no step."""
    if not step_id:
        return showing.NOTHING
    return format_html('<a href="{}">{}</a>', columns.step_address(run_id, place_in(path)), showing.words(step_id))


def trace_events(run_id: uuid.UUID) -> Table:
    """Return the latest trace events of the run."""
    loaded = TraceEvent.objects.only("number", "type", "step_id", "agent_name", "at")
    heads = loaded.annotate(message=_head("error"), output=_head("output_preview"))
    latest = heads.filter(run_id=run_id).order_by("-number")[:LATEST]
    return Table(
        title="Trace events",
        permission="runs.view_traceevent",
        headings=["#", "type", "step", "agent", "at", "output or error"],
        rows=[_trace_event(row, row.message or row.output) for row in reversed(latest)],
        all_rows=_all("runs_traceevent", run_id, "All trace events of this run"),
    )


def _trace_event(row: TraceEvent, said: str | None) -> list[object]:
    return [
        showing.link(str(row.number), "runs_traceevent_change", args=[row.pk]),
        row.type,
        showing.words(row.step_id),
        showing.words(row.agent_name),
        showing.age(row.at),
        showing.excerpt(said),
    ]


def human_tasks(run_id: uuid.UUID) -> Iterable[Table]:
    """Yield a table of the latest questions of the run and its branches, if there are any."""
    of_it = models.Q(run__in=Run.objects.of_whole(run_id).values("pk"))
    loaded = HumanTask.objects.only("status", "title", "assignee", "created_at", "expires_at", "decision", "decided_by")
    if shown := [_human_task(row) for row in _latest(loaded.filter(of_it), "-created_at")]:
        yield Table(
            title="Human tasks",
            permission="humantasks.view_humantask",
            headings=["status", "question", "assignee", "asked", "due", "answer"],
            rows=shown,
            all_rows=_all("humantasks_humantask", run_id, "All human tasks of this run"),
        )


def _human_task(row: HumanTask) -> list[object]:
    return [
        task_badge(row),
        showing.link(showing.excerpt(row.title), "humantasks_humantask_change", args=[row.pk]),
        showing.excerpt(row.assignee, 60),
        showing.age(row.created_at),
        showing.age(row.expires_at),
        showing.words(" by ".join(filter(None, [row.decision, row.decided_by]))),
    ]


def audit_events(run_id: uuid.UUID) -> Table:
    """Return the latest audit events of the run."""
    return Table(
        title="Audit events",
        permission="audit.view_auditevent",
        headings=["event", "actor", "at", "facts"],
        rows=[_audit_event(row) for row in _latest(AuditEvent.objects.filter(run_id=run_id), "-created_at")],
        all_rows=_all("audit_auditevent", run_id, "All audit events of this run"),
    )


def _audit_event(row: AuditEvent) -> list[object]:
    return [
        showing.link(row.event_type, "audit_auditevent_change", args=[row.pk]),
        showing.words(row.actor or "the service"),
        showing.age(row.created_at),
        showing.facts(row.metadata),
    ]


def _head(field: str) -> Left:
    """The beginning of a text: a table shows no more, so no more leaves the database."""
    return Left(field, EXCERPT_SOURCE_CHARS)


def _latest[M: models.Model](rows: models.QuerySet[M], order: str) -> list[M]:
    return list(reversed(rows.order_by(order)[:LATEST]))


def _all(model: str, run_id: uuid.UUID, label: str) -> Related:
    return Related(label=label, url=showing.address(f"{model}_changelist", query={"run": run_id}))
