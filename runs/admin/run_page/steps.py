"""One step of a run: every visit and attempt, what it was given and gave, and what its agent did meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from humantasks.models import HumanTask
from kneo_project.prices import NANOS
from kneo_project.site import showing
from kneo_project.site.pages import Table
from kneo_project.site.showing import Tone
from runs.engine.progress import RecordType
from runs.inspection.entries import place_in
from runs.models import Checkpoint, Run, TraceEvent

MOST_VISITS = 20
MOST_SEARCHED = 2_000
MOST_EVENTS = 200
_SHOWN_APART = frozenset({"usage", "cost", "request", "workflow_type"})
_WORDS: Mapping[str, tuple[str, Tone]] = {
    RecordType.STEP_COMPLETED: ("completed", Tone.GOOD),
    RecordType.STEP_FAILED: ("failed", Tone.BAD),
    RecordType.HUMAN_PAUSE: ("asked a person", Tone.WAITING),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One record of a step."""

    badge: str
    title: str
    facts: Sequence[tuple[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPage:
    """What there is to say about a step; ``is_cut`` tells that there were more visits."""

    place: str
    visits: Sequence[Visit]
    tables: Sequence[Table]
    is_cut: bool


def step_page(run: Run, place: str) -> StepPage:
    """Return the page of the step at ``place``, in ``run`` or in its branches: four queries."""
    step_id = place.rpartition("/")[2]
    of_it = Q(run__in=Run.objects.of_whole(run.pk).values("pk"))
    known = Checkpoint.objects.filter(of_it, step_id=step_id).order_by("-pk").values_list("pk", "path")
    here = [pk for pk, path in known[:MOST_SEARCHED] if place_in(path) == place]
    rows = Checkpoint.objects.filter(pk__in=here[:MOST_VISITS]).order_by("pk")
    return StepPage(
        place=showing.words(place),
        visits=[_visit(row, run) for row in rows],
        tables=[_calls(of_it, step_id), *_questions(of_it, step_id)],
        is_cut=len(here) > MOST_VISITS,
    )


def _visit(row: Checkpoint, run: Run) -> Visit:
    word, tone = _WORDS.get(row.type, (row.type, Tone.QUIET))
    facts: list[tuple[str, object]] = [
        ("recorded", showing.moment(row.created_at)),
        ("duration", showing.seconds_between(row.started_at, row.created_at)),
        ("checkpoint", showing.link(f"{row.sequence}", "runs_checkpoint_change", args=[row.pk])),
        ("tokens", _tokens(row.details)),
        ("cost", showing.money(round((row.details.get("cost") or 0) * NANOS))),
        ("error", showing.long_text(f"{row.error_type}: {row.error_message or ''}" if row.error_type else None)),
        ("input", showing.long_text(row.input_text)),
        ("output", showing.long_text(row.output_text)),
        ("details", showing.document({key: row.details[key] for key in row.details if key not in _SHOWN_APART})),
    ]
    if row.run_id != run.pk:
        facts.insert(0, ("branch", showing.run_link(row.run_id)))
    return Visit(
        badge=showing.badge(word, tone),
        title=f"Visit {row.iteration}, attempt {row.attempt}",
        facts=[(name, value) for name, value in facts if value != showing.NOTHING],
    )


def _tokens(details: Mapping[str, Any]) -> str:
    usage = details.get("usage") or {}
    total = usage.get("total_tokens")
    if total is None:
        return showing.NOTHING
    given, produced = usage.get("input_tokens"), usage.get("output_tokens")
    return f"{showing.number(total)} (input {showing.number(given)}, output {showing.number(produced)})"


def _calls(of_it: Q, step_id: str) -> Table:
    found = TraceEvent.objects.filter(of_it, step_id=step_id).order_by("-pk")[:MOST_EVENTS]
    return Table(
        title="Attempts, model calls and tool calls",
        permission="runs.view_traceevent",
        headings=["type", "at", "agent", "model", "tool", "input", "output or error"],
        rows=[_call(event) for event in reversed(found)],
    )


def _call(event: TraceEvent) -> list[object]:
    failed = event.error or event.metadata.get("error_type")
    if failed and (attempt := event.metadata.get("attempt")):
        failed = f"attempt {attempt}: {failed}"
    return [
        showing.link(event.type, "runs_traceevent_change", args=[event.pk]),
        showing.age(event.at),
        showing.words(event.agent_name),
        showing.words(event.model.get("model_name")),
        showing.words(event.model.get("tool_name")),
        showing.excerpt(event.input_preview),
        showing.excerpt(failed or event.output_preview),
    ]


def _questions(of_it: Q, step_id: str) -> list[Table]:
    tasks = HumanTask.objects.filter(of_it, step_id=step_id).order_by("-created_at")
    loaded = tasks.only("status", "title", "created_at", "decision", "decided_by")[:MOST_VISITS]
    rows = [
        [
            task.status,
            showing.link(showing.excerpt(task.title), "humantasks_humantask_change", args=[task.pk]),
            showing.age(task.created_at),
            showing.words(" by ".join(filter(None, [task.decision, task.decided_by]))),
        ]
        for task in loaded
    ]
    headings = ["status", "question", "asked", "answer"]
    if not rows:
        return []
    permission = "humantasks.view_humantask"
    return [Table(title="Questions to people", headings=headings, rows=rows, permission=permission)]
