"""A run as a picture: the workflow as nodes and edges, coloured by what happened, in the form that pages draw."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from django.db.models import Count

from runs.engine import interpreter
from runs.engine.actions import Action, AskHuman, Join
from runs.engine.lifecycle import Status
from runs.engine.progress import RecordType
from runs.inspection.entries import Entry, around, place_in
from runs.models import Checkpoint, FanOut, Run, Target
from specs.language.picturing import START, Edge, Node, Picture, picture
from specs.language.plan import Plan

# Of a run with more branches than that, the steps inside them are not counted: it would take too long.
MOST_BRANCHES = 500


class Look(StrEnum):
    """What has become of a node."""

    WAITING = "waiting"
    RUNNING = "running"
    BLOCKED = "blocked"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(slots=True, kw_only=True)
class _Facts:
    """What is known about the nodes of a run: how each looks, how often it was done, what it says beside its name."""

    looks: dict[str, Look] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    notes: dict[str, str] = field(default_factory=dict)
    current: set[str] = field(default_factory=set)
    taken: set[tuple[str, str]] = field(default_factory=set)


def pictured(run: Run, plan: Plan, entries: Sequence[Entry], now_at: Sequence[tuple[str, Action]]) -> dict[str, Any]:
    """Return the nodes and edges of the workflow that ``run`` goes through, with where it is and was.

    ``entries`` are its history, ``now_at`` what is under way. One query, and another for a run that has branches.
    """
    workflow = interpreter.root_workflow(plan, wants_agent=run.target == Target.AGENT)
    drawn = picture(plan, workflow)
    facts = _Facts()
    steps = [entry for entry in entries if entry.is_step]
    if workflow is None:
        facts.looks[plan.agent.name] = _AGENT_LOOKS[Status(run.status)]
        facts.taken |= {(START, plan.agent.name)} if run.started_at else set()
    for entry in steps:
        _note_step(facts, entry)
    _note_branches(facts, run)
    for place, action in now_at:
        _note_action(facts, run, place, action)
    if not now_at:
        _note_last(facts, run, steps)
    facts.taken |= _ways(steps, [place for place, _ in now_at])
    return {
        "nodes": [_node(node, facts, run) for node in drawn.nodes],
        "edges": [_edge(edge, facts) for edge in _sensible(drawn)],
    }


_AGENT_LOOKS = {
    Status.CREATED: Look.WAITING,
    Status.RUNNING: Look.RUNNING,
    Status.BLOCKED: Look.BLOCKED,
    Status.COMPLETED: Look.DONE,
    Status.FAILED: Look.FAILED,
    Status.CANCELLED: Look.SKIPPED,
    Status.TIMED_OUT: Look.FAILED,
    Status.EXPIRED: Look.FAILED,
}


def _note_step(facts: _Facts, entry: Entry) -> None:
    is_done = entry.type == RecordType.STEP_COMPLETED
    facts.looks[entry.place] = Look.DONE if is_done else Look.FAILED
    facts.counts[entry.place] += 1


def _note_action(facts: _Facts, run: Run, place: str, action: Action) -> None:
    """Note what the run does or waits for at ``place``; whatever is around it is under way too."""
    if isinstance(action, AskHuman):
        look = Look.BLOCKED
    elif isinstance(action, Join):
        look = Look.RUNNING
    else:
        look = Look.WAITING if run.lease_owner is None else Look.RUNNING
    if place:
        facts.looks[place] = look
        facts.current.add(place)
    facts.looks |= dict.fromkeys(around(place), Look.RUNNING)


def _note_last(facts: _Facts, run: Run, steps: Sequence[Entry]) -> None:
    """Note where a run that did not complete has ended."""
    if not steps or run.status in (Status.CREATED, Status.COMPLETED):
        return
    facts.current.add(steps[-1].place)
    if steps[-1].type == RecordType.STEP_FAILED:
        facts.looks |= dict.fromkeys(around(steps[-1].place), Look.FAILED)


def _note_branches(facts: _Facts, run: Run) -> None:
    """Note how far the fan-outs are, and what the steps inside their branches have come to."""
    if not (fan_outs := list(FanOut.objects.filter(run=run))):
        return
    for fan_out in fan_outs:
        place = place_in(fan_out.path).removesuffix("/")
        facts.notes[place] = f"{fan_out.total - fan_out.unfinished} of {fan_out.total}"
    if sum(fan_out.total for fan_out in fan_outs) > MOST_BRANCHES:
        return
    kinds = (RecordType.STEP_COMPLETED, RecordType.STEP_FAILED, RecordType.HUMAN_PAUSE)
    rows = Checkpoint.objects.filter(run__within=run, type__in=kinds).values("path", "type", "run__status")
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows.annotate(times=Count("pk")):
        is_open = row["type"] == RecordType.HUMAN_PAUSE and row["run__status"] == Status.BLOCKED
        if is_open or row["type"] != RecordType.HUMAN_PAUSE:
            found[place_in(row["path"])][row["type"]] += row["times"]
    for place, times in found.items():
        facts.counts[place] += times[RecordType.STEP_COMPLETED]
        facts.looks[place] = _look_of_many(times)
        for outer in around(place):
            facts.looks.setdefault(outer, Look.DONE if run.is_terminal else Look.RUNNING)


def _look_of_many(times: Mapping[str, int]) -> Look:
    """Return how a step looks that many branches do: somebody who is needed comes first."""
    if times.get(RecordType.STEP_FAILED):
        return Look.FAILED
    # Who was asked and has answered is completed too.
    return Look.BLOCKED if times.get(RecordType.HUMAN_PAUSE) else Look.DONE


def _ways(steps: Sequence[Entry], now: Sequence[str]) -> set[tuple[str, str]]:
    """Return which step followed which, in each visit of each workflow."""
    frames: defaultdict[str, list[str]] = defaultdict(list)
    for entry in steps:
        frames[entry.frame].append(entry.place)
    if steps:
        frames[""].extend(place for place in now if "/" not in place and place)
    taken = {pair for places in frames.values() for pair in pairwise(places)}
    begun = frames[""][:1] or [place.partition("/")[0] for place in now]
    return taken | {(START, place) for place in begun}


def _sensible(drawn: Picture) -> Iterator[Edge]:
    known = {node.id for node in drawn.nodes}
    return (edge for edge in drawn.edges if edge.source in known and edge.target in known)


def _node(node: Node, facts: _Facts, run: Run) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": node.id, "label": node.label, "kind": node.kind}
    if node.parent:
        shown["parent"] = node.parent
    if node.id == START:
        return shown
    shown["status"] = facts.looks.get(node.id, Look.SKIPPED if run.is_terminal else Look.WAITING)
    if facts.counts[node.id]:
        shown["count"] = facts.counts[node.id]
    if node.id in facts.notes:
        shown["label"] = f"{node.label} ({facts.notes[node.id]})"
    if node.id in facts.current:
        shown["current"] = True
    return shown


def _edge(edge: Edge, facts: _Facts) -> dict[str, Any]:
    shown: dict[str, Any] = {"source": edge.source, "target": edge.target}
    if edge.label:
        shown["label"] = edge.label
    if edge.is_conditional:
        shown["conditional"] = True
    if (edge.source, edge.target) in facts.taken:
        shown["taken"] = True
    return shown
