"""What should have been done by now: runs that are due, deadlines that have passed, deliveries that were given up."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from humantasks.models import HumanTask
from kneo_project.doctor.findings import Finding, ok, warning, wrong
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery
from runs.doctor.processes import GRACE
from runs.engine.lifecycle import Status
from runs.models import Run

RUNS, TASKS, WEBHOOKS = "runs", "human tasks", "webhooks"
LATELY = timedelta(days=1)
LONG_DUE = timedelta(minutes=10)


def runs() -> Iterator[Finding]:
    """Yield the runs that nobody takes, that are past their deadline, and that were given up."""
    due = Run.objects.due().filter(wake_at__lte=Now() - GRACE)
    waiting, long_waiting = due.count(), due.filter(wake_at__lte=Now() - LONG_DUE).count()
    if long_waiting:
        text = f"Runs that are due and that nobody takes: {waiting}; for over ten minutes: {long_waiting}."
        yield wrong(
            RUNS, text, "Start more workers, or raise KNEO_SERV_WORKER_CONCURRENCY, after a look at the workers."
        )
    elif waiting:
        text = f"Runs that have been due for over a minute: {waiting}."
        yield warning(RUNS, text, "The workers are busy: more of them would help.")
    overdue = Run.objects.overdue().filter(deadline_at__lte=Now() - GRACE).count()
    if overdue:
        yield wrong(RUNS, f"Runs past their deadline that nobody ended: {overdue}.", "Start a beat: it ends them.")
    given_up = Run.objects.filter(
        status=Status.FAILED, error_type="dead_letter", updated_at__gte=Now() - LATELY
    ).count()
    if given_up:
        text = f"Runs given up in the last day, as each took {settings.QUEUE_MAX_ATTEMPTS} workers down: {given_up}."
        yield warning(RUNS, text, "See what they have in common; then: kneo runs redrive")
    if not (waiting or overdue or given_up):
        yield ok(RUNS, "Every run that is due was taken.")


def human_tasks() -> Iterator[Finding]:
    """Yield the questions whose deadline has passed without what should happen then."""
    missed = HumanTask.objects.overdue().filter(expires_at__lte=Now() - GRACE).count()
    waiting = HumanTask.objects.open().count()
    if missed:
        text = f"Questions past their deadline, of which nothing came: {missed}."
        yield wrong(TASKS, text, "Start a beat: it does what each question says about that.")
    else:
        yield ok(TASKS, f"Questions that wait for people: {waiting}.")


def webhooks() -> Iterator[Finding]:
    """Yield the deliveries that were given up, and those that nobody makes."""
    since = timezone.now() - LATELY
    dead = WebhookDelivery.objects.filter(status=DeliveryStatus.DEAD, created_at__gte=since).count()
    late = WebhookDelivery.objects.due(timezone.now() - LONG_DUE).count()
    if dead:
        text = f"Deliveries of the last day that were given up: {dead}."
        yield warning(WEBHOOKS, text, "See in the admin what the receiver said, and send them again there.")
    if late:
        text = f"Deliveries that have been due for over ten minutes: {late}."
        yield wrong(WEBHOOKS, text, "Start a beat and workers: beat finds them, and workers make them.")
    if not (dead or late):
        yield ok(WEBHOOKS, "Nothing is undelivered.")
