"""The figures of the first page as people read them: a number, what it is of, and where its rows are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString

from kneo_project.site import showing
from kneo_project.site.showing import NOTHING, Tone
from runs.admin import columns
from runs.inspection.counting import Count
from runs.inspection.jobs import Job
from runs.inspection.overview import PeopleNow, RunsNow
from runs.inspection.trends import ENDS_BADLY, Trend

RUNS, TASKS = "runs_run_changelist", "humantasks_humantask_changelist"
NEEDS = {
    "stuck": ("stuck", "their worker is gone", Tone.BAD),
    "waiting": ("waiting too long", "due for more than a minute", Tone.WAITING),
    "overdue_task": ("blocked by an overdue task", "nobody has answered in time", Tone.WAITING),
    "failed": ("failed in the last day", "go on from the failed step, or look why", Tone.BAD),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number, as text, with its ``label``, more words in ``note``, and the address of what it counts."""

    label: str | SafeString
    value: str
    url: str | None = None
    note: str | SafeString = ""
    tone: Tone = Tone.QUIET
    is_something: bool = True


def needs(runs: RunsNow) -> Iterator[Figure]:
    """Return how many runs need somebody, by what is wrong."""
    for word, count in runs.attention.items():
        label, note, tone = NEEDS[word]
        yield counted(count, label, RUNS, {"attention": word}, note=note, tone=tone)


def late(jobs: Sequence[Job], now: datetime) -> Figure:
    """Return how many jobs of the beat are late."""
    names = [job.name for job in jobs if job.is_late(now)]
    count = Count(len(names))
    note = ", ".join(names) or "all jobs of the beat run on time"
    return counted(count, "late jobs of the beat", "beatjobs_beatjob_changelist", {}, note=note, tone=Tone.BAD)


def statuses(runs: RunsNow) -> Iterator[Figure]:
    """Return how many whole runs there are in each status."""
    for status, count in runs.statuses.items():
        yield counted(count, columns.status_badge(status), RUNS, {"status__exact": status.value})


def queue(runs: RunsNow) -> list[Figure]:
    """Return how many runs wait for a worker, and for how long."""
    return [
        counted(runs.queued, "waiting for a worker", RUNS, {"attention": "queued"}, tone=Tone.BUSY),
        Figure(label="the longest has waited", value=since(runs.due_since), is_something=runs.due_since is not None),
    ]


def people(tasks: PeopleNow) -> list[Figure]:
    """Return how many questions wait for people, and for how long."""
    numbers = (
        (tasks.open, "open", Tone.WAITING),
        (tasks.overdue, "overdue", Tone.BAD),
        (tasks.escalated, "escalated", Tone.BAD),
    )
    counts = [counted(Count(number), word, TASKS, {"attention": word}, tone=tone) for number, word, tone in numbers]
    oldest = Figure(
        label="the oldest has waited", value=since(tasks.oldest_at), is_something=tasks.oldest_at is not None
    )
    return [*counts, oldest]


def lately(trend: Trend) -> list[Figure]:
    """Return what happened to runs in a span."""
    completed, bad = trend.total("completed"), trend.total(*ENDS_BADLY)
    minutes = trend.period.slots * trend.period.slot_seconds / 60
    share = trend.failure_share
    return [
        _of_span(trend, trend.total("started"), "begun", "created_at", None),
        _of_span(trend, completed, "completed", "updated_at", "completed", tone=Tone.GOOD),
        _of_span(trend, bad, "ended badly", "updated_at", "failed,timed_out,expired", tone=Tone.BAD),
        Figure(label="completed a minute", value=f"{completed / minutes:,.2g}" if completed else "0"),
        Figure(label="failure rate", value=NOTHING if share is None else f"{share:.1%}"),
    ]


def tokens(trend: Trend) -> list[Figure]:
    """Return how many tokens were used in a span."""
    return [
        Figure(label="sent to models", value=showing.number(trend.all_spent.input_tokens)),
        Figure(label="answered", value=showing.number(trend.all_spent.output_tokens)),
    ]


def cost(trend: Trend) -> list[Figure]:
    """Return what was spent in a span."""
    return [Figure(label="as far as there are prices", value=showing.money(trend.all_spent.cost_nanos))]


def dead(count: Count) -> Figure:
    """Return how many deliveries of webhooks were given up."""
    page, query = "webhooks_webhookdelivery_changelist", {"status__exact": "dead"}
    return counted(count, "deliveries given up", page, query, tone=Tone.BAD)


def counted(
    count: Count,
    label: str | SafeString,
    page: str,
    query: Mapping[str, str],
    *,
    note: str = "",
    tone: Tone = Tone.QUIET,
) -> Figure:
    """Return a count with a link to its rows."""
    return Figure(
        label=label,
        value=str(count),
        url=showing.address(page, query=query),
        note=note,
        tone=tone if count else Tone.QUIET,
        is_something=bool(count),
    )


def since(at: datetime | None) -> str:
    """Return how long ago a moment was."""
    return NOTHING if at is None else showing.length(max((timezone.now() - at).total_seconds(), 0.0))


def _of_span(
    trend: Trend, number: int, label: str, column: str, status: str | None, *, tone: Tone = Tone.BUSY
) -> Figure:
    query: dict[str, Any] = {f"{column}__gte": trend.moments[0].isoformat()}
    if status:
        query["status__in"] = status
    return counted(Count(number), label, RUNS, query, tone=tone)
