"""What a run did when: its steps, their attempts, its waits and its pauses as stretches of time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from runs.engine.actions import Action, AskHuman, Join
from runs.engine.lifecycle import Status
from runs.engine.outcomes import EventType
from runs.engine.progress import RecordType
from runs.inspection.entries import Entry, around, place_in
from runs.models import Run, TraceEvent

MOST_ROWS = 200
MOST_STRETCHES = 60
MOST_BRANCHES = 50
MOST_FAILURES = 500
# A shorter wait is the ordinary way of things, and cannot be seen.
SHORTEST_WAIT = timedelta(milliseconds=250)
QUEUE = "(queue)"
WHOLE = "(run)"


class Stretch(StrEnum):
    """What a stretch of time was spent with."""

    DONE = "done"
    FAILED = "failed"
    ATTEMPT = "attempt"
    WAIT = "wait"
    PAUSE = "pause"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time; without an end it is not over. ``attempt`` and ``iteration`` count from 1."""

    kind: Stretch
    start: datetime
    end: datetime | None
    attempt: int = 1
    iteration: int = 1
    sequence: int | None = None
    error_type: str | None = None


@dataclass(slots=True, kw_only=True)
class Row:
    """A step, or a run that is a branch, with all its stretches. ``depth`` is how many workflows it is inside of."""

    place: str
    label: str
    depth: int = 0
    run_id: str | None = None
    status: str | None = None
    spans: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run from when it was asked for to its end, or to ``end``, which is now. ``left_out`` rows are not shown."""

    start: datetime
    end: datetime
    rows: Sequence[Row]
    left_out: int = 0


def timeline(run: Run, entries: Sequence[Entry], now_at: Sequence[tuple[str, Action]], now: datetime) -> Timeline:
    """Return the timeline of ``run``: two queries, for the attempts that failed and for the branches."""
    end = run.completed_at or max(now, run.updated_at)
    rows: dict[str, Row] = {}
    _add_queue(rows, run)
    for place, span in _spans(entries):
        _row(rows, place).spans.append(span)
    for place, span in _failed_attempts(run, entries):
        _row(rows, place).spans.insert(0, span)
    for place, action in now_at if run.status != Status.CREATED else ():
        _add_current(_row(rows, place or WHOLE), run, action, entries)
    shown = sorted(rows.values(), key=_order(rows))
    branches = list(_branches(run))
    kept = shown[-MOST_ROWS:]
    for row in kept:
        row.spans = row.spans[-MOST_STRETCHES:]
    return Timeline(start=run.created_at, end=end, rows=[*kept, *branches], left_out=len(shown) - len(kept))


def _row(rows: dict[str, Row], place: str) -> Row:
    if place not in rows:
        label = "the run" if place == WHOLE else place.rpartition("/")[2]
        rows[place] = Row(place=place, label=label, depth=place.count("/"))
    return rows[place]


def _add_queue(rows: dict[str, Row], run: Run) -> None:
    """Add how long the run waited for a worker to begin."""
    begun = run.started_at or run.completed_at
    if begun is not None and begun - run.created_at < SHORTEST_WAIT:
        return
    span = Span(kind=Stretch.WAIT, start=run.created_at, end=begun)
    rows[QUEUE] = Row(place=QUEUE, label="in the queue", spans=[span])


def _spans(entries: Sequence[Entry]) -> Iterator[tuple[str, Span]]:
    """Yield the stretches of each place, in the order of their ends."""
    free_since: datetime | None = None
    paused: list[Entry] = []
    inside: dict[str, datetime] = {}
    for entry in entries:
        if entry.type == RecordType.HUMAN_PAUSE:
            paused.append(entry)
            _note_inside(inside, entry.place, entry.created_at)
        elif entry.type == RecordType.HUMAN_RESUME:
            yield from ((pause.place, _pause(pause, entry.created_at)) for pause in paused)
            paused.clear()
        start = _start(entry, inside)
        if start is not None:
            if entry.started_at and free_since and entry.started_at - free_since >= SHORTEST_WAIT:
                yield entry.place or WHOLE, Span(kind=Stretch.WAIT, start=free_since, end=entry.started_at)
            yield entry.place or WHOLE, _done(entry, start)
        free_since = entry.created_at
    yield from ((pause.place, _pause(pause, None)) for pause in paused)


def _start(entry: Entry, inside: dict[str, datetime]) -> datetime | None:
    """Return when the work that ``entry`` records began; None when it records none."""
    if entry.started_at is not None:
        _note_inside(inside, entry.place, entry.started_at)
        return entry.started_at
    if not entry.is_step:
        return None
    # A step that is a workflow is not timed itself; a person's answer has its pause.
    began = inside.pop(entry.place, None)
    return entry.created_at if began is None and entry.error_type else began


def _note_inside(inside: dict[str, datetime], place: str, start: datetime) -> None:
    """Note for every step around ``place`` that its work had begun by ``start``."""
    for outer in around(place):
        inside[outer] = min(start, inside.get(outer, start))


def _pause(pause: Entry, end: datetime | None) -> Span:
    return Span(kind=Stretch.PAUSE, start=pause.created_at, end=end, iteration=pause.iteration, sequence=pause.sequence)


def _done(entry: Entry, start: datetime) -> Span:
    return Span(
        kind=Stretch.FAILED if entry.error_type else Stretch.DONE,
        start=start,
        end=entry.created_at,
        attempt=entry.attempt,
        iteration=entry.iteration,
        sequence=entry.sequence,
        error_type=entry.error_type,
    )


def _failed_attempts(run: Run, entries: Iterable[Entry]) -> Iterator[tuple[str, Span]]:
    """Yield the attempts that were not the last: the trace knows when they failed, and nobody when they began."""
    places = {entry.step_id: entry.place for entry in entries if entry.step_id}
    recorded = {(entry.step_id, entry.attempt) for entry in entries if entry.error_type}
    failed = TraceEvent.objects.filter(run=run, type=EventType.STEP_FAILED).order_by("-number")
    for event in failed.values("step_id", "at", "metadata")[:MOST_FAILURES]:
        step_id, metadata = event["step_id"], event["metadata"]
        if (step_id, metadata.get("attempt", 1)) in recorded:
            continue  # the last attempt, which has a record of its own
        yield (
            places.get(step_id or "", step_id or ""),
            Span(
                kind=Stretch.ATTEMPT,
                start=event["at"],
                end=event["at"],
                attempt=metadata.get("attempt", 1),
                error_type=metadata.get("error_type"),
            ),
        )


def _add_current(row: Row, run: Run, action: Action, entries: Sequence[Entry]) -> None:
    """Add what is going on: since the last thing that was recorded."""
    if isinstance(action, AskHuman) and any(span.kind is Stretch.PAUSE and span.end is None for span in row.spans):
        return
    since = entries[-1].created_at if entries else run.created_at
    is_busy = run.lease_owner is not None or isinstance(action, Join)
    row.spans.append(Span(kind=Stretch.RUNNING if is_busy else Stretch.WAIT, start=since, end=None))


def _order(rows: Mapping[str, Row]) -> Callable[[Row], list[tuple[datetime, str]]]:
    """Return the order of the rows: by their beginning, and what is inside a step right after it."""
    begins: defaultdict[str, list[datetime]] = defaultdict(list)
    for place, row in rows.items():
        starts = [span.start for span in row.spans]
        for way in (*around(place), place):
            begins[way] += starts
    first = {place: min(starts) for place, starts in begins.items() if starts}

    def key(row: Row) -> list[tuple[datetime, str]]:
        return [(first[way], way) for way in (*around(row.place), row.place) if way in first]

    return key


def _branches(run: Run) -> Iterator[Row]:
    """Yield a row for each of the first branches that are runs of their own."""
    names = ("pk", "status", "branch_index", "branch_of__path", "created_at", "started_at", "completed_at")
    rows = Run.objects.filter(branch_of__run=run).order_by("branch_of", "branch_index").values(*names)
    for each in rows[:MOST_BRANCHES]:
        start = each["started_at"]
        place = place_in(each["branch_of__path"]).removesuffix("/")
        spans = [Span(kind=Stretch.WAIT, start=each["created_at"], end=start or each["completed_at"])]
        if start is not None:
            spans.append(Span(kind=_of_status(each["status"]), start=start, end=each["completed_at"]))
        yield Row(
            place=place,
            label=f"branch {each['branch_index']}",
            depth=1 + place.count("/"),
            run_id=str(each["pk"]),
            status=each["status"],
            spans=spans,
        )


def _of_status(status: str) -> Stretch:
    return {"completed": Stretch.DONE, "running": Stretch.RUNNING, "blocked": Stretch.PAUSE}.get(status, Stretch.FAILED)
