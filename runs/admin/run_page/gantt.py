"""A timeline as bars: where each lies on an axis of 1,000 units, and what it says."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap

from kneo_project.site import showing
from runs.admin import columns
from runs.inspection.timelines import QUEUE, WHOLE, Row, Span, Stretch, Timeline

AXIS = 1_000
THINNEST = 5
TICKS = 5
DEEPEST = 5
WORDS = {
    Stretch.DONE: "worked",
    Stretch.FAILED: "failed after",
    Stretch.ATTEMPT: "an attempt failed",
    Stretch.WAIT: "waited",
    Stretch.PAUSE: "waited for a person",
    Stretch.RUNNING: "working for",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch of time on the axis."""

    kind: str
    x: int
    width: int
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the chart: ``took`` is the time from its first beginning to its last end."""

    label: str
    href: str | None
    depth: int
    took: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gantt:
    """The chart. ``ticks`` are evenly spread over the axis; ``left_out`` rows are not shown."""

    lines: Sequence[Line]
    ticks: Sequence[str]
    left_out: int


def gantt(run_id: uuid.UUID, timeline: Timeline) -> Gantt:
    """Return the chart of ``timeline``."""
    length = max(timeline.end - timeline.start, timedelta(milliseconds=1))
    lines = [_line(run_id, row, timeline, length) for row in timeline.rows]
    ends = (timeline.start + length * part / (TICKS - 1) for part in range(TICKS))
    ticks = ["0", *list(starmap(showing.seconds_between, ((timeline.start, end) for end in ends)))[1:]]
    return Gantt(lines=lines, ticks=ticks, left_out=timeline.left_out)


def _line(run_id: uuid.UUID, row: Row, timeline: Timeline, length: timedelta) -> Line:
    whole = [span for span in row.spans if span.kind is not Stretch.ATTEMPT] or row.spans
    first = min(span.start for span in whole)
    last = max(span.end or timeline.end for span in whole)
    return Line(
        label=showing.words(row.label),
        href=_href(run_id, row),
        depth=min(row.depth, DEEPEST),
        took=showing.seconds_between(first, last),
        bars=list(_bars(row.spans, timeline, length)),
    )


def _href(run_id: uuid.UUID, row: Row) -> str | None:
    if row.run_id is not None:
        return columns.run_address(row.run_id)
    if row.place in (QUEUE, WHOLE):
        return None
    return columns.step_address(run_id, row.place)


def _bars(spans: Sequence[Span], timeline: Timeline, length: timedelta) -> Iterator[Bar]:
    for span in spans:
        x = _on_axis(span.start, timeline, length)
        end = _on_axis(span.end or timeline.end, timeline, length)
        width = max(THINNEST, end - x)
        yield Bar(kind=span.kind, x=min(x, AXIS - width), width=width, says=_said(span, timeline.end))


def _on_axis(at: datetime, timeline: Timeline, length: timedelta) -> int:
    return round(AXIS * min(max((at - timeline.start) / length, 0), 1))


def _said(span: Span, now: datetime) -> str:
    words = [WORDS[span.kind]]
    if span.kind is not Stretch.ATTEMPT:
        words.append(showing.seconds_between(span.start, span.end or now))
    if span.end is None:
        words.append("so far")
    notes = []
    if span.iteration > 1:
        notes.append(f"visit {span.iteration}")
    if span.attempt > 1 or span.kind is Stretch.ATTEMPT:
        notes.append(f"attempt {span.attempt}")
    if span.error_type:
        notes.append(showing.words(span.error_type))
    return " ".join(words) + (f" ({', '.join(notes)})" if notes else "")
