"""Workers and beats, by the traces that they leave: they cannot be asked, and may be anywhere."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import Now
from django.utils import timezone

from kneo_project.beatjobs.models import Outcome
from kneo_project.doctor.databases import CLOCK
from kneo_project.doctor.findings import Finding, ok, warning, wrong
from kneo_project.queues import DEFAULT_QUEUE
from runs import leases
from runs.inspection.jobs import Job, jobs_now
from runs.models import Run
from runs.retention import rounds
from runs.retention.windows import windows

WORKERS, BEAT = "workers", "beat"
LATE_PRUNING_ROUNDS = 12
# What sweeps do every few seconds, and has not been done for so long, is not being done.
GRACE = timedelta(seconds=60)
AHEAD = timedelta(seconds=10)


def workers() -> Iterator[Finding]:
    """Yield whether anybody gives signs of life, and who stopped giving them with work in hand."""
    alive = leases.living().count()
    held = Run.objects.filter(lease_owner__isnull=False).count()
    waiting = Run.objects.due().filter(wake_at__lte=Now() - GRACE).count()
    if alive:
        yield ok(WORKERS, f"Worker processes alive: {alive}. Runs in their hands: {held}.")
    elif waiting:
        yield wrong(
            WORKERS, "No worker gives a sign of life, and runs wait.", "Start a worker; its log says why it ended."
        )
    else:
        text = "No worker has given a sign of life since it began; one does with its first run."
        yield warning(WORKERS, text, "Look whether one is running.")
    yield from _unserved()
    orphaned = leases.lapsed().filter(updated_at__lte=Now() - GRACE).count()
    if orphaned:
        text = f"Runs whose worker is gone, and that nobody takes back: {orphaned}."
        yield wrong(WORKERS, text, "Start a beat: its sweep lets other workers have them.")


def _unserved() -> Iterator[Finding]:
    """Yield the queues in which runs wait and that no living worker takes runs from."""
    served = {name for taken in leases.living().values_list("queues", flat=True) for name in taken or [DEFAULT_QUEUE]}
    late = Run.objects.due().filter(wake_at__lte=Now() - GRACE).order_by()
    waiting = dict(late.exclude(queue__in=served).values_list("queue").annotate(Count("pk"))) if served else {}
    for name, count in waiting.items():
        text = f"Runs that wait in the queue {name}, which no living worker takes runs from: {count}."
        yield wrong(WORKERS, text, f"Start a worker for it: kneo worker --queues {name}")


def beat() -> Iterator[Finding]:
    """Yield which of the beat's jobs did not go well for too long, and which failed the last time."""
    jobs, now = jobs_now(), timezone.now()
    remedy = "Start a beat, or look into its log. Without one nothing is swept: deadlines pass and lost runs stay lost."
    if not any(job.last for job in jobs):
        yield warning(BEAT, "No beat has done anything on this database yet.", remedy)
        return
    late = [job for job in jobs if job.is_late(now)]
    if late:
        yield wrong(BEAT, f"Jobs that are late: {', '.join(_told(job) for job in late)}.", remedy)
    failed = [job.name for job in jobs if job.last and job.last.outcome == Outcome.FAILED]
    if failed:
        yield warning(BEAT, f"Jobs that failed the last time: {', '.join(failed)}.", "The log of the beat says why.")
    if not (late or failed):
        yield ok(BEAT, f"All {len(jobs)} jobs of the beat went well lately.")
    yield from _pruning()


def _told(job: Job) -> str:
    at = job.last.succeeded_at if job.last else None
    return f"{job.name} ({f'{_length(_age(at))} ago' if at else 'never went well'})"


def clocks_of_records() -> Iterator[Finding]:
    """Yield that records lie in the future: some machine's clock was ahead, or this one stepped back."""
    newest = Run.objects.order_by("-updated_at").values_list("updated_at", flat=True).first()
    if newest is not None and newest > timezone.now() + AHEAD:
        text = f"The newest run was changed {_length(-_age(newest))} in the future by this machine's clock."
        remedy = "Synchronise all machines with NTP. Nothing is lost; waits may last longer by as much."
        yield warning(CLOCK, text, remedy)


def _pruning() -> Iterator[Finding]:
    age = rounds.age_seconds()
    if not any(window.days is not None for window in windows()):
        return
    if age is None:
        yield warning(BEAT, "There are windows of retention, and no round of pruning has ended yet.", "Wait for one.")
    elif age > LATE_PRUNING_ROUNDS * settings.RETENTION_SECONDS:
        text = f"Pruning was last through {_length(age)} ago."
        yield warning(BEAT, text, "Run kneo manage prune, which works a backlog off; logs of workers say what failed.")
    else:
        yield ok(BEAT, f"Pruning was last through {_length(age)} ago.")


def _age(at: datetime) -> float:
    return (timezone.now() - at).total_seconds()


def _length(seconds: float) -> str:
    """Return a length of time as a person reads it."""
    seconds = max(seconds, 0.0)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
