"""What the service looks like in numbers, for a system that watches it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from humantasks.models import HumanTask
from kneo_project import queues
from kneo_project.prices import NANOS
from kneo_project.room import room
from runs import leases
from runs.engine.lifecycle import Status
from runs.inspection.jobs import jobs_now
from runs.models import Run, StatisticsMark, TotalTally
from runs.rejections import KIND as REJECTED
from runs.retention import rounds
from runs.sums import BOUNDS_SECONDS

# In this order, and with these names, as the published system has them; what is ours comes after.
_COUNTERS = {
    "kneo_runs_started": ("started",),
    "kneo_runs_completed": ("completed",),
    "kneo_runs_failed": ("failed", "timed_out"),
    "kneo_runs_dead_lettered": ("dead_lettered",),
    "kneo_runs_rejected": (REJECTED,),
}
_OWN_COUNTERS = {
    "kneo_runs_cancelled": ("cancelled",),
    "kneo_runs_expired": ("expired",),
    "kneo_steps_completed": ("steps",),
    "kneo_steps_failed": ("failed_steps",),
    "kneo_human_tasks_answered": ("answered",),
}
_HISTOGRAMS = {
    "kneo_queue_wait_seconds": ("queue_wait", "From the order of a run to its first step."),
    "kneo_step_duration_seconds": ("steps", "Of completed steps."),
    "kneo_run_duration_seconds": ("completed", "From the start of a run to its completion, waits included."),
    "kneo_human_answer_seconds": ("answered", "From a question to its answer by a person."),
}
_MEANING = {
    "kneo_runs_started": "Runs ordered.",
    "kneo_runs_completed": "Runs completed.",
    "kneo_runs_failed": "Runs failed, those past their deadline included.",
    "kneo_runs_dead_lettered": "Runs given up because their executions kept dying; not in failed.",
    "kneo_runs_rejected": "Orders refused because too many runs waited.",
    "kneo_runs_cancelled": "Runs cancelled.",
    "kneo_runs_expired": "Runs ended because nobody answered in time.",
    "kneo_steps_completed": "Steps completed, those of branches included.",
    "kneo_steps_failed": "Steps failed for good.",
    "kneo_human_tasks_answered": "Questions answered by people.",
}


def measures() -> Iterator[Metric]:
    """Yield everything that is measured. Counters are a few seconds old, gauges are of this moment."""
    tallies = {tally.kind: tally for tally in TotalTally.objects.all()}
    yield from _counted(tallies, _COUNTERS)
    yield from _tokens(tallies)
    yield from _runs_now()
    yield from _counted(tallies, _OWN_COUNTERS)
    yield _counter("kneo_cost", "Money spent on model calls, as far as there are prices.", _cost(tallies))
    yield from _people_now()
    yield from (_histogram(name, tallies) for name in _HISTOGRAMS)
    yield _gauge("kneo_statistics_age_seconds", "Since the counters were last brought up to date.", _statistics_age())
    pruned = "Since nothing was past its window, where something is to be pruned."
    yield _gauge("kneo_retention_age_seconds", pruned, _nan_if_none(rounds.age_seconds()))
    yield from _beat_jobs()
    full = "Whether the web process that answers found no room in the database in the last minute."
    yield _gauge("kneo_database_full", full, float(room.is_lacking))


def _counted(tallies: Mapping[str, TotalTally], names: Mapping[str, tuple[str, ...]]) -> Iterator[Metric]:
    for name, kinds in names.items():
        yield _counter(name, _MEANING[name], sum(tallies[kind].count for kind in kinds if kind in tallies))


def _tokens(tallies: Mapping[str, TotalTally]) -> Iterator[Metric]:
    steps = [tallies[kind] for kind in ("steps", "failed_steps") if kind in tallies]
    yield _counter("kneo_tokens_input", "Tokens sent to models.", sum(each.input_tokens for each in steps))
    yield _counter("kneo_tokens_output", "Tokens that models answered.", sum(each.output_tokens for each in steps))
    yield _counter("kneo_tokens", "Tokens, both ways.", sum(each.total_tokens for each in steps))


def _runs_now() -> Iterator[Metric]:
    lines = _lines()
    yield _gauge("kneo_runs_queued", "Runs waiting for a worker.", sum(line.length for line in lines))
    leased = Run.objects.filter(lease_owner__isnull=False, status=Status.RUNNING)
    yield _gauge("kneo_runs_running", "Runs that a worker is advancing.", leased.count())
    yield _gauge("kneo_worker_count", "Worker processes alive.", leases.living().count())
    age = max(line.age for line in lines)
    yield _gauge("kneo_queue_oldest_seconds", "How long the run that waits longest for a worker has been due.", age)
    lengths, ages = {line.queue: line.length for line in lines}, {line.queue: line.age for line in lines}
    yield _gauges("kneo_queue_length", "Runs waiting for a worker of the queue.", "queue", lengths)
    longest = "How long the run that waits longest in the queue has been due."
    yield _gauges("kneo_queue_age_seconds", longest, "queue", ages)
    blocked = Run.objects.filter(status=Status.BLOCKED).count()
    yield _gauge("kneo_runs_blocked", "Runs waiting for a person.", blocked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What waits in a queue: how many whole runs, and for how many seconds the one that has waited longest."""

    queue: str
    length: int = 0
    age: float = 0.0


def _lines() -> list[_Line]:
    waiting = Run.objects.due().order_by().values_list("queue")
    rows = waiting.annotate(length=Count("pk", filter=Q(within=None)), oldest=Min("wake_at"))
    now = timezone.now()
    found = [_Line(queue=queue, length=length, age=_age(now - oldest)) for queue, length, oldest in rows]
    return found + [_Line(queue=name) for name in queues.names() if name not in {line.queue for line in found}]


def _people_now() -> Iterator[Metric]:
    late = Q(expires_at__lte=Now())
    tasks = HumanTask.objects.open().aggregate(
        open=Count("pk"), overdue=Count("pk", filter=late), oldest=Min("created_at")
    )
    yield _gauge("kneo_human_tasks_open", "Questions waiting for a person.", tasks["open"])
    yield _gauge("kneo_human_tasks_overdue", "Of those, past their deadline.", tasks["overdue"])
    age = _age(timezone.now() - tasks["oldest"] if tasks["oldest"] else None)
    yield _gauge("kneo_human_task_oldest_seconds", "Age of the question that has waited longest.", age)


def _histogram(name: str, tallies: Mapping[str, TotalTally]) -> Metric:
    kind, meaning = _HISTOGRAMS[name]
    tally = tallies.get(kind)
    counts = tally.buckets if tally else []
    bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
    reached = [(bound, float(sum(counts[: index + 1]))) for index, bound in enumerate(bounds)]
    return HistogramMetricFamily(name, meaning, buckets=reached, sum_value=tally.seconds if tally else 0.0)


def _beat_jobs() -> Iterator[Metric]:
    jobs, now = jobs_now(), timezone.now()
    ages = {job.name: float("nan") if (age := job.age(now)) is None else _age(age) for job in jobs}
    yield _gauges("kneo_beat_job_age_seconds", "Since the job of the beat last went well.", "name", ages)
    intervals = {job.name: job.every.total_seconds() for job in jobs if job.every is not None}
    yield _gauges("kneo_beat_job_interval_seconds", "How often the job is due.", "name", intervals)


def _cost(tallies: Mapping[str, TotalTally]) -> float:
    return sum(tallies[kind].cost_nanos for kind in ("steps", "failed_steps") if kind in tallies) / NANOS


def _statistics_age() -> float:
    settled_at = StatisticsMark.objects.values_list("settled_at", flat=True).first()
    return _age(timezone.now() - settled_at) if settled_at else float("nan")


def _nan_if_none(value: float | None) -> float:
    return float("nan") if value is None else value


def _age(length: timedelta | None) -> float:
    return max(length.total_seconds(), 0.0) if length else 0.0


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=value)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    """Return one gauge for each of ``values``, by what ``label`` says."""
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family
