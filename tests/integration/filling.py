"""An installation on which everything has happened once: every table has rows, written by the code that writes them."""

from collections.abc import Iterator
from datetime import timedelta

from django.apps import apps
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Model
from django.utils import timezone

from humantasks.models import HumanTask, TaskApproval
from humantasks.rules import Answer, Decision
from kneo_project.apikeys.services import create_key
from kneo_project.beatjobs.services import noted
from runs import bulk, deadlines, executor, services, statistics
from runs.engine.lifecycle import Status
from runs.executor import Rest
from runs.idempotency import key_of
from runs.models import BulkAction, JournalEntry, LeaseOwner, RetentionMark, Run
from runs.redriving import ForkRun, continue_run, fork_run
from runs.schedules.firing import trigger
from runs.schedules.keeping import create_schedule
from runs.signalling import send_signal
from specs.models import StoredPolicy
from specs.services import SpecSource
from tests.integration.driving import human, spec_of, start, step
from tests.integration.test_shapes import among, sequence
from tests.integration.test_shapes import spec_of as shaped
from tests.integration.webhooks import ping, subscribe

OURS = ("kneo_project", "audit", "apikeys", "webhooks", "specs", "humantasks", "runs")


def fill() -> None:
    """Let everything happen once, and add it up."""
    _runs()
    _operators()
    drive()
    while statistics.settle(settled_after=timedelta(0)):
        pass


def drive() -> None:
    """Do what workers and beat do until nothing is due."""
    while executor.advance(None).rest is not Rest.NOT_DUE:
        deadlines.recover_lapsed()


def every_model() -> Iterator[type[Model]]:
    """Yield the model of every table there is, those between two models included."""
    yield from apps.get_models(include_auto_created=True)


def _runs() -> None:
    spec = spec_of(step("a"), step("b"), step("c"))
    key = key_of("first", principal="alice", scope="runs", payload={})
    request = services.StartRun(
        source=SpecSource(spec=spec), input_text="hi", tags=("blue",), metadata={"desk": "finance"}
    )
    done = services.start_run(request, actor="alice", key=key)
    waiting = start(spec_of(step("a"), human(), humans={"boss": {}}))
    asked = start(spec_of(human(), step("b"), humans={"boss": {}}))
    start(shaped({"type": "map", "step": step("a"), "max_parallel": 2}), '["x", "y", "z"]')
    start(shaped({"type": "map", "step": step("boom"), "max_parallel": 2}), '["x", "y"]')
    start(shaped(among("concurrent", step("a"), step("x", "boss", "human"))))
    failed = start(spec_of(step("a"), step("boom"), step("c")))
    _told_a_signal()
    drive()
    fork_run(done.pk, ForkRun(checkpoint=2), actor="alice")
    services.cancel_run(waiting.pk, actor="alice")
    task = HumanTask.objects.open().get(run=asked)
    services.resume_run(task.pk, Answer(request_id=str(task.request_id), decision=Decision.APPROVED), actor="bob")
    continue_run(failed.pk, actor="alice")
    TaskApproval.objects.create(task=task, decided_by="bob", decided_at=timezone.now(), decision="approved")
    place = {"path": "a", "iteration": 1, "attempt": 1, "key": "model/1", "value": {"text": "hi"}}
    JournalEntry.objects.create(run=done, **place, spent=True, at=timezone.now())


def _told_a_signal() -> None:
    spec = shaped(sequence(step("paid", "payment", "signal"), "a"))
    spec["components"]["signals"] = {"payment": {}}
    told, _untold = start(spec), start(spec)
    drive()
    send_signal(told.pk, "payment", {"amount": 3}, actor="bank")


def _operators() -> None:
    ping(subscribe())
    create_key("ci", ["operator"], expires_at=None, actor="olivia")
    StoredPolicy.objects.create(environment="prod", demands={}, changed_by="olivia")
    bulk.start_bulk(BulkAction.CANCEL, {"status": [Status.FAILED]}, batch_size=10, actor="olivia", word=None)
    RetentionMark.objects.create(kind="runs")
    create_schedule(
        "nightly", SpecSource(spec=spec_of(step("a"))), {"cron": "0 2 * * *", "input_text": "hi"}, actor="olivia"
    )
    trigger("nightly", actor="olivia")
    with noted("sweep"):
        drive()
    LeaseOwner.objects.get_or_create(
        pk="worker", defaults={"host": "h", "pid": 1, "expires_at": timezone.now() + timedelta(hours=1)}
    )
    olivia = User.objects.create_superuser("olivia", password="correct horse battery")
    group = Group.objects.create(name="operators")
    permission = Permission.objects.first()
    assert permission is not None
    group.permissions.add(permission)
    olivia.groups.add(group)
    olivia.user_permissions.add(permission)
    kind = ContentType.objects.get_for_model(Run)
    LogEntry.objects.create(
        user=olivia, content_type=kind, object_id="1", object_repr="a run", action_flag=ADDITION, change_message=""
    )
    session = SessionStore()
    session["seen"] = True
    session.save()
