"""The tables of the first page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.safestring import SafeString

from kneo_project.beatjobs.admin import TONES as OUTCOMES
from kneo_project.site import showing
from kneo_project.site.pages import Related, Table
from kneo_project.site.showing import NOTHING, Tone
from runs.admin import columns
from runs.inspection.jobs import Job
from runs.inspection.overview import Worker
from runs.inspection.trends import Spender, Trend
from runs.recent_tallies import BY_MODEL, BY_WORKFLOW

SHARES = (0.5, 0.9, 0.95, 0.99)
LENGTHS = {
    "queue_wait": "wait for a worker",
    "steps": "step",
    "completed": "run, waits included",
    "answered": "answer of a person",
}
JOBS = {
    "sweep": "sweep",
    "schedules": "starts by the clock",
    "bulk": "orders for many runs",
    "statistics": "statistics",
    "retention": "pruning",
    "webhooks": "webhooks",
}


def lengths(trend: Trend) -> Table:
    """Return how long what happened in a span took."""
    return Table(
        title="How long it took",
        headings=["what", "median", *(f"{share:.0%}" for share in SHARES[1:]), "of"],
        rows=[
            [words, *(showing.length(trend.length(kind, share)) for share in SHARES), f"{trend.measured(kind):,}"]
            for kind, words in LENGTHS.items()
        ],
    )


def by_workflow(most: Mapping[str, Sequence[Spender]]) -> Table:
    """Return the workflows on which most was spent."""
    return _spending("workflow", most[BY_WORKFLOW], "no workflow: an agent alone")


def by_model(most: Mapping[str, Sequence[Spender]]) -> Table:
    """Return the models on which most was spent."""
    return _spending("model", most[BY_MODEL], "not known")


def workers(known: Sequence[Worker]) -> Table:
    """Return who advances runs."""
    return Table(
        title="Workers",
        headings=["life", "worker", "alive until", "runs"],
        rows=[
            [
                columns.life_badge(worker.expires_at),
                showing.words(worker.name),
                showing.age(worker.expires_at),
                _held(worker),
            ]
            for worker in known
        ],
        all_rows=Related(label="All workers", url=showing.address("runs_leaseowner_changelist")),
    )


def jobs(known: Sequence[Job], now: datetime, *, pruned_at: datetime | None) -> Table:
    """Return what the beat does, and whether it does."""
    rows: list[Sequence[object]] = [
        [
            _state(job, now),
            JOBS.get(job.name, job.name),
            showing.age(job.last.finished_at if job.last else None),
            showing.length(job.last.duration_seconds if job.last else None),
            showing.length(job.every.total_seconds() if job.every else None),
        ]
        for job in known
    ]
    if pruned_at:
        rows.append(["", "all pruned that may go", showing.age(pruned_at), NOTHING, NOTHING])
    return Table(
        title="Beat",
        headings=["state", "job", "last time", "took", "due every"],
        rows=rows,
        all_rows=Related(label="All jobs", url=showing.address("beatjobs_beatjob_changelist")),
    )


def _spending(who: str, most: Sequence[Spender], nameless: str) -> Table:
    return Table(
        title=f"Used most, by {who}",
        headings=[who, "sent", "answered", "cost"],
        rows=[
            [
                showing.words(each.name) if each.name else nameless,
                showing.number(each.spent.input_tokens),
                showing.number(each.spent.output_tokens),
                showing.money(each.spent.cost_nanos),
            ]
            for each in most
        ],
    )


def _held(worker: Worker) -> SafeString | str:
    if not worker.runs:
        return "0"
    return showing.link(f"{worker.runs:,}", "runs_run_changelist", query={"owner": worker.name})


def _state(job: Job, now: datetime) -> SafeString:
    if job.last is None:
        return showing.badge("never ran", Tone.BAD if job.is_late(now) else Tone.QUIET)
    if job.is_late(now):
        return showing.badge("late", Tone.BAD)
    return showing.badge(job.last.outcome, OUTCOMES[job.last.outcome])
