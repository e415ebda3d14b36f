"""An installation at three in the morning: runs in every status, some in trouble. For pictures and admin tests."""

import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from kneo_project.audit.services import record
from kneo_project.beatjobs.models import BeatJob
from kneo_project.beatjobs.services import noted
from kneo_project.celery import app
from runs import executor, services
from runs.engine.lifecycle import Status
from runs.executor import Rest
from runs.models import LeaseOwner, Run, StatisticsMark
from runs.recent_tallies import BY_MODEL, BY_WORKFLOW, Recent
from runs.services import StartRun
from specs.services import SpecSource
from tests.factories import HumanTaskFactory, RunFactory, TraceEventFactory

EXPENSES = str(Path("specs/examples/expense_approval.yaml").resolve())
CLAIM = "Taxi to the airport, 48.20 EUR.\nReceipt attached, card ending in 4410, contact jane.doe@example.com."


def operator(name: str = "olivia") -> User:
    """Return a superuser."""
    return User.objects.create_superuser(name, password="correct horse battery")


def expense_claim(text: str = CLAIM) -> Run:
    """Return a run that really went as far as its question."""
    request = StartRun(source=SpecSource(spec_path=EXPENSES), input_text=text, metadata={"desk": "finance"})
    run = services.start_run(request, actor="expense-portal")
    executor.advance(run.pk)
    run.refresh_from_db()
    return run


def troubled_runs() -> Mapping[str, Run]:
    """Return one run for each thing that an operator looks for, by the name of that filter."""
    now = timezone.now()
    LeaseOwner.objects.create(pk="worker-7-dead", host="worker-7", pid=311, expires_at=now - timedelta(minutes=9))
    LeaseOwner.objects.create(pk="worker-2-alive", host="worker-2", pid=12, expires_at=now + timedelta(minutes=9))
    running = {"status": Status.RUNNING, "output_text": None}
    late = HumanTaskFactory.create(
        title="Sign off the payout", expires_at=now - timedelta(hours=2), on_timeout="escalate"
    )
    Run.objects.filter(pk=late.run_id).update(workflow_name="payout", updated_at=now - timedelta(hours=9))
    return {
        "stuck": RunFactory.create(**running, workflow_name="nightly-report", lease_owner="worker-7-dead", attempts=2),
        "healthy": RunFactory.create(**running, workflow_name="triage", lease_owner="worker-2-alive", updated_at=now),
        "waiting": RunFactory.create(
            status=Status.CREATED, workflow_name="import", wake_at=now - timedelta(minutes=3), updated_at=now
        ),
        "retrying": RunFactory.create(
            **running, workflow_name="sync", wake_at=now + timedelta(seconds=40), updated_at=now
        ),
        "overdue_task": Run.objects.get(pk=late.run_id),
        "failed": RunFactory.create(
            status=Status.FAILED,
            workflow_name="invoices",
            error_type="HTTPStatusError",
            error_message="502 from the model endpoint, sent with api_key=sk-live-1234567890abcdef",
            updated_at=now - timedelta(minutes=20),
        ),
        "overrun": RunFactory.create(
            **running, workflow_name="crawl", deadline_at=now - timedelta(minutes=1), updated_at=now
        ),
    }


def night() -> tuple[Run, HumanTask]:
    """Fill the database; return a run that waits for its answer, and the question."""
    troubled_runs()
    for status in (Status.CANCELLED, Status.TIMED_OUT, Status.EXPIRED):
        RunFactory.create(status=status, error_type=status.value, error_message="It did not finish.", output_text=None)
    RunFactory.create_batch(20, updated_at=timezone.now() - timedelta(hours=3))
    run = expense_claim()
    record("run.inspected", actor="olivia", run_id=run.pk, metadata={"reason": "customer asked"})
    return run, HumanTask.objects.open().get(run=run)


def lately() -> None:
    """Fill the tallies with an hour of work, and have the beat on time."""
    chance, now = random.Random(7), timezone.now()
    books = Recent(now)
    for minute in range(60):
        at = now - timedelta(minutes=minute)
        for number in range(chance.randrange(1, 12)):
            books.add("started", at, None)
            books.add("queue_wait", at, timedelta(seconds=chance.expovariate(5)))
            model, name = chance.choice((("gpt-5-mini", "triage"), ("claude-sonnet", "invoices"), ("llama-3", "")))
            usage = {"input_tokens": chance.randrange(200, 4_000), "output_tokens": chance.randrange(20, 900)}
            usage |= {"total_tokens": sum(usage.values()), "cost_nanos": usage["input_tokens"] * 2_500}
            books.add("steps", at, timedelta(seconds=chance.lognormvariate(0.5, 1)), usage)
            books.add(BY_WORKFLOW, at, None, usage, name=name)
            books.add(BY_MODEL, at, None, usage, name=model)
            end = chance.choices(("completed", "failed", "cancelled"), (30, 2, 1))[0] if number else "completed"
            books.add(end, at, timedelta(seconds=chance.lognormvariate(2, 1)))
    books.store()
    StatisticsMark.objects.update_or_create(pk=StatisticsMark.ONLY, defaults={"settled_at": now})
    for job in app.conf.beat_schedule:
        with noted(job):
            pass


def make_late(job: str) -> None:
    """Have a job of the beat last succeeded an hour ago."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    BeatJob.objects.filter(pk=job).update(finished_at=an_hour_ago, succeeded_at=an_hour_ago)


def batch() -> Run:
    """Return a run of the example that works on several invoices, one of which is done."""
    spec = str(Path("specs/examples/invoice_batch.yaml").resolve())
    text = "Train to Graz, 120.50 EUR\nDinner with the auditors, 84 EUR\nHotel in Linz, 240 EUR\nA lost receipt"
    run = services.start_run(StartRun(source=SpecSource(spec_path=spec), input_text=text), actor="ap-portal")
    work()
    approve(HumanTask.objects.open().filter(run__within=run)[0])
    work()
    run.refresh_from_db()
    return run


def question_about_a_call() -> HumanTask:
    """Return the question of the example whose agent wants to call a tool."""
    spec = str(Path("specs/examples/privileged_tool.yaml").resolve())
    request = StartRun(source=SpecSource(spec_path=spec), input_text="search the handbook for travel")
    run = services.start_run(request, actor="release-portal")
    work()
    approve(HumanTask.objects.open().get(run=run))
    work()
    return HumanTask.objects.open().get(run=run)


def long_run(stages: int = 12) -> Run:
    """Return a run through a graph of five nodes a stage, which waits for a person in the middle."""
    nodes: dict[str, dict[str, object]] = {}
    edges: list[dict[str, object]] = []
    for number in range(1, stages + 1):
        load, check, repair, merge, report = names = [
            f"{word}-{number}" for word in ("load", "check", "repair", "merge", "report")
        ]
        nodes |= {name: {"id": name, "kind": "function", "ref": "tidy"} for name in names}
        broken = {"type": "output_contains", "value": "broken"}
        edges += [
            {"from": load, "to": check},
            {"from": check, "to": repair, "condition": broken, "label": "broken"},
            {"from": check, "to": merge},
            {"from": repair, "to": merge},
            {"from": merge, "to": report},
        ]
        if number > 1:
            edges.append({"from": f"report-{number - 1}", "to": load})
    asked = f"report-{stages // 2}"
    nodes[asked] = {"id": asked, "kind": "human", "ref": "steward"}
    workflow = {
        "type": "graph", "name": "warehouse-load", "start": "load-1", "max_steps": 400, "nodes": nodes, "edges": edges,
    }  # fmt: skip
    return _driven(workflow, "Sales of November, 3 tables", "warehouse")


def failed_run() -> Run:
    """Return a run that failed at its third step, after two attempts that failed too."""
    steps = [
        {"id": "fetch", "kind": "function", "ref": "tidy"},
        {"id": "convert", "kind": "function", "ref": "tidy"},
        {"id": "post", "kind": "function", "ref": "boom"},
        {"id": "confirm", "kind": "agent", "ref": "writer"},
    ]
    run = _driven({"type": "sequential", "name": "invoice-posting", "steps": steps}, "Invoice 4711", "ap-portal")
    run.checkpoints.filter(type="step_failed").update(attempt=3)
    run.trace_events.filter(type="step_failed").delete()
    failed = run.checkpoints.get(type="step_failed")
    for attempt in (1, 2):
        at = failed.created_at - timedelta(seconds=14 - 4 * attempt)
        facts = {"attempt": attempt, "error_type": "TimeoutError"}
        TraceEventFactory.create(run=run, type="step_failed", step_id="post", at=at, metadata=facts, error="timed out")
    return run


def _driven(workflow: dict[str, object], text: str, actor: str) -> Run:
    """Return a run of ``workflow`` that went as far as it can, as if each step had taken some seconds."""
    components = {
        "agents": {"writer": {"name": "writer"}},
        "functions": {
            "tidy": {"implementation": "specs.examples.functions.tidy"},
            "boom": {"implementation": "tests.functions.boom"},
        },
        "humans": {"steward": {"description": "May this be published?", "assignee": "data-stewards"}},
    }
    spec = {"version": "v1", "agent": {"name": "desk"}, "workflow": workflow, "components": components}
    run = services.start_run(StartRun(source=SpecSource(spec=spec), input_text=text), actor=actor)
    work()
    _slow_down(run)
    run.refresh_from_db()
    return run


def _slow_down(run: Run) -> None:
    at = begun = timezone.now() - timedelta(minutes=4)
    for number, row in enumerate(run.checkpoints.all()):
        started = at + timedelta(seconds=1)
        at = started + timedelta(seconds=2 + 3 * (number % 4))
        run.checkpoints.filter(pk=row.pk).update(started_at=row.started_at and started, created_at=at)
    run.refresh_from_db()
    times = {"created_at": begun, "started_at": begun + timedelta(seconds=2), "updated_at": at}
    Run.objects.filter(pk=run.pk).update(**times, completed_at=at if run.is_terminal else None)


def approve(task: HumanTask) -> None:
    """Approve what ``task`` asks."""
    answer = Answer(request_id=str(task.request_id), decision=Decision.APPROVED)
    services.resume_run(task.pk, answer, actor="olivia")


def work() -> None:
    while executor.advance(None).rest is not Rest.NOT_DUE:
        pass


def question_with_a_form() -> HumanTask:
    """Return the question of the example whose assessor fills in a form."""
    spec = str(Path("specs/examples/claim_assessment.yaml").resolve())
    request = StartRun(source=SpecSource(spec_path=spec), input_text="A broken window")
    run = services.start_run(request, actor="claims-portal")
    executor.advance(run.pk)
    return HumanTask.objects.open().get(run=run)


ORDERS = [
    {"supplier": "Nordlicht GmbH", "item": "Standing desks", "pieces": 12, "total": "5,988.00 EUR"},
    {"supplier": "Papierhaus", "item": "Paper, A4, 80 g", "pieces": 200, "total": "940.00 EUR"},
]
DELIVERY = {
    "type": "object",
    "properties": {
        "cost_center": {"enum": ["travel", "office", "training"], "description": "Who pays for it."},
        "amount": {"type": "number", "minimum": 0, "maximum": 10_000, "title": "Amount in euros"},
        "pay_on": {"type": "string", "format": "date"},
        "urgent": {"type": "boolean"},
        "note": {"type": "string", "maxLength": 500},
        "references": {"type": "array", "items": {"type": "string"}, "description": "One on each line."},
        "address": {
            "type": "object",
            "title": "Deliver to",
            "properties": {"street": {"type": "string"}, "floor": {"type": "integer", "default": 2}},
            "required": ["street"],
        },
    },
    "required": ["cost_center", "amount"],
}


def reviewer(name: str, *groups: str, sees_runs: bool = False) -> User:
    """Return a member of staff who may answer human tasks."""
    user = User.objects.create_user(name, is_staff=True)
    names = ["view_humantask", "change_humantask", *(["view_run"] if sees_runs else [])]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return user


def asked(text: str = "Please pay.", *, by: str = "order-portal", **human: Any) -> HumanTask:
    """Return the question of a run of one human step, which really waits for its answer."""
    spec = {
        "version": "v1",
        "agent": {"name": "purchasing"},
        "workflow": {
            "type": "sequential",
            "name": "purchase-order",
            "steps": [{"id": "sign", "kind": "human", "ref": "buyer"}],
        },
        "components": {"humans": {"buyer": {"description": "Release this order?", **human}}},
    }
    run = services.start_run(StartRun(source=SpecSource(spec=spec), input_text=text), actor=by)
    executor.advance(run.pk)
    return HumanTask.objects.open().get(run=run)


def inbox() -> Mapping[str, HumanTask]:
    """Return tasks of every kind that a person meets in the inbox; some of them claimed, assigned, late."""
    now = timezone.now()
    found = {
        "four-eyes": asked(assignee="finance", approvals=2, context={"orders": ORDERS, "budget": "office 2026"}),
        "form": asked(description="Where does this delivery go?", form=DELIVERY, timeout_seconds=90_000),
        "selection": asked(
            description="Which budget pays?", request_type="selection", options=["travel", "training"], assignee="bea"
        ),
        "correction": asked("Dear Sir or Madam,\nyour parcel has arived.", request_type="correction"),
        "freeform": asked(description="What shall we tell the customer?", request_type="freeform"),
    }
    HumanTaskFactory.create(title="Sign off the payroll", expires_at=now - timedelta(hours=1), on_timeout="escalate")
    HumanTaskFactory.create(title="Check the contract", expires_at=now + timedelta(hours=5), claimed_by="mario")
    HumanTaskFactory.create(title="Unblock the supplier", expires_at=now - timedelta(days=1), escalated_at=now)
    first = found["four-eyes"]
    answer = Answer(request_id=str(first.request_id), decision=Decision.APPROVED, content="Prices are as agreed.")
    services.resume_run(first.pk, answer, actor="mario")
    return found
