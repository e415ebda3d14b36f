"""Where a run is: its graph, its timeline, and how far it has come."""

from dataclasses import dataclass
from typing import Any, cast

from django.utils import timezone

from kneo_project.errors import KneoError
from kneo_project.redaction import redact
from runs.admin import columns
from runs.admin.run_page.gantt import Gantt, gantt
from runs.inspection.entries import MOST_ENTRIES, history_of, under_way
from runs.inspection.picturing import Look, pictured
from runs.inspection.timelines import timeline
from runs.models import Run
from specs.language.plan import Plan
from specs.services import load_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many of the steps are done."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the page draws; without a graph it says in ``trouble`` why there is none."""

    graph: dict[str, Any] | None
    chart: Gantt
    progress: Progress | None
    trouble: str | None
    is_cut: bool


def overview(run: Run, *, links_steps: bool) -> Overview:
    """Return the graph and the timeline of ``run``: five queries, and two more for one that has branches.

    ``links_steps`` says whether the nodes of the graph lead to the pages of their steps.
    """
    entries = history_of(run.pk)
    plan, trouble = _plan_of(run)
    now_at = under_way(run, plan) if plan else ()
    graph = pictured(run, plan, entries, now_at) if plan else None
    return Overview(
        graph=_shown(run, graph, links_steps=links_steps) if graph else None,
        chart=gantt(run.pk, timeline(run, entries, now_at, timezone.now())),
        progress=_progress(graph) if graph else None,
        trouble=trouble,
        is_cut=len(entries) == MOST_ENTRIES,
    )


def _plan_of(run: Run) -> tuple[Plan | None, str | None]:
    """Return the plan, or why there is none: an old spec that this release cannot run, or one that was pruned."""
    try:
        return load_plan(run.snapshot_id), None
    except KneoError as error:
        return None, error.message


def _progress(graph: dict[str, Any]) -> Progress:
    groups = {node.get("parent") for node in graph["nodes"]}
    steps = [node for node in graph["nodes"] if "status" in node and node["id"] not in groups]
    return Progress(done=sum(node["status"] == Look.DONE for node in steps), total=len(steps))


def _shown(run: Run, graph: dict[str, Any], *, links_steps: bool) -> dict[str, Any]:
    """Return the graph redacted, with links to the pages of the steps if they are wanted."""
    for node in graph["nodes"]:
        if links_steps and "status" in node:
            node["href"] = columns.step_address(run.pk, node["id"])
    return cast("dict[str, Any]", redact(graph))
