"""``manage.py doctor``: a healthy installation is well, and what is wrong is named, with what to do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings

from kneo_project.beatjobs.models import BeatJob
from kneo_project.beatjobs.services import noted
from kneo_project.celery import app
from kneo_project.doctor.findings import Finding, Level
from kneo_project.webhooks.models import DeliveryStatus, WebhookDelivery
from runs.engine.lifecycle import Status
from runs.models import LeaseOwner, Run
from tests.factories import HumanTaskFactory, RunFactory
from tests.integration.webhooks import ping, subscribe

LONG_AGO = timezone.now() - timedelta(hours=2)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def healthy(settings: Settings, tmp_path: Path) -> None:
    """Have a living worker, a beat, and a state directory that others have not written to."""
    settings.HAS_OWN_SECRET_KEY, settings.SECRET_KEY = True, "9f" * 30
    settings.API_KEYS, settings.STATE_DIR = f"op:{'k9' * 20}:operator", tmp_path
    expires_at = timezone.now() + timedelta(hours=1)
    LeaseOwner.objects.create(pk="worker-1", host="h", pid=1, expires_at=expires_at)
    for name in app.conf.beat_schedule:
        with noted(name):
            pass


def examined(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[Finding]]:
    """Run the command; return its exit status, and what it found that is not ok."""
    status = 0
    capsys.readouterr()
    try:
        call_command("doctor", "--json")
    except SystemExit as ended:
        status = int(str(ended.code))
    told = json.loads(capsys.readouterr().out)["findings"]
    findings = [Finding(**{**each, "level": Level(each["level"])}) for each in told]
    # Of production as a whole the checks have tests of their own; here the database may be a server.
    return status, [each for each in findings if each.level is not Level.OK and each.subject != "settings"]


def test_a_healthy_installation_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert examined(capsys) == (0, [])


def test_a_person_sees_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    BeatJob.objects.filter(pk="sweep").update(succeeded_at=LONG_AGO)
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    screen = capsys.readouterr().out
    assert ended.value.code == 1
    assert "Jobs that are late: sweep (2 h ago)." in screen
    assert "→ Start a beat" in screen
    assert "1 wrong" in screen


def late(job: str) -> None:
    BeatJob.objects.filter(pk=job).update(succeeded_at=LONG_AGO)


def due_for_long() -> None:
    RunFactory.create(status=Status.CREATED, wake_at=LONG_AGO)


def overdue_run() -> None:
    far = timezone.now() + timedelta(days=1)
    RunFactory.create(status=Status.CREATED, wake_at=far, deadline_at=LONG_AGO)


def held_by_the_dead() -> None:
    LeaseOwner.objects.create(pk="gone", host="h", pid=2, expires_at=LONG_AGO)
    RunFactory.create(status=Status.RUNNING, lease_owner="gone", updated_at=LONG_AGO)


def no_worker() -> None:
    LeaseOwner.objects.all().delete()


def no_worker_and_work() -> None:
    no_worker()
    RunFactory.create(status=Status.CREATED, wake_at=timezone.now() - timedelta(minutes=3))


def given_up() -> None:
    now = timezone.now()
    RunFactory.create(status=Status.FAILED, error_type="dead_letter", updated_at=now, completed_at=now)


def dead_delivery() -> None:
    WebhookDelivery.objects.filter(pk=ping(subscribe()).pk).update(status=DeliveryStatus.DEAD, next_attempt_at=None)


def late_delivery() -> None:
    WebhookDelivery.objects.filter(pk=ping(subscribe()).pk).update(next_attempt_at=LONG_AGO)


def from_the_future() -> None:
    RunFactory.create(updated_at=timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize(
    ("happen", "subject", "text", "status"),
    [
        (due_for_long, "runs", "Runs that are due and that nobody takes: 1; for over ten minutes: 1.", 1),
        (overdue_run, "runs", "Runs past their deadline that nobody ended: 1.", 1),
        (given_up, "runs", "Runs given up in the last day, as each took 5 workers down: 1.", 0),
        (held_by_the_dead, "workers", "Runs whose worker is gone, and that nobody takes back: 1.", 1),
        (no_worker, "workers", "No worker has given a sign of life", 0),
        (no_worker_and_work, "workers", "No worker gives a sign of life, and runs wait.", 1),
        (lambda: late("statistics"), "beat", "Jobs that are late: statistics (2 h ago).", 1),
        (lambda: BeatJob.objects.update(outcome="failed"), "beat", "Jobs that failed the last time: ", 0),
        (lambda: BeatJob.objects.all().delete(), "beat", "No beat has done anything", 0),
        (
            lambda: HumanTaskFactory.create(expires_at=LONG_AGO),
            "human tasks",
            "Questions past their deadline, of which nothing came: 1.",
            1,
        ),
        (dead_delivery, "webhooks", "Deliveries of the last day that were given up: 1.", 0),
        (late_delivery, "webhooks", "Deliveries that have been due for over ten minutes: 1.", 1),
        (from_the_future, "clock", "in the future by this machine's clock", 0),
    ],
)
def test_what_is_wrong_is_named(
    capsys: pytest.CaptureFixture[str], happen: Callable[[], object], subject: str, text: str, status: int
) -> None:
    happen()
    ended, findings = examined(capsys)
    named = [each for each in findings if each.subject == subject and text in each.text]
    assert (ended, len(named)) == (status, 1)
    assert named[0].remedy


def test_a_database_of_a_newer_release_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_applied("runs", "9999_new")
    try:
        status, findings = examined(capsys)
    finally:
        recorder.record_unapplied("runs", "9999_new")
    assert status == 1
    assert [each.text for each in findings] == ["The database was migrated by a newer release: runs.9999_new."]


def test_secrets_that_are_missing_short_or_open_are_named_and_not_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = tmp_path / "openai"
    kept.write_text("sk-hush-hush")
    kept.chmod(0o644)
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(kept))
    settings.SECRET_KEY, settings.HEALTH_PROVIDERS = "hush", ("anthropic",)
    status, findings = examined(capsys)
    texts = [each.text for each in findings if each.subject == "secrets"]
    assert texts == [
        "KNEO_SERV_SECRET_KEY has fewer than 50 characters.",
        "Every user may read the file that OPENAI_API_KEY_FILE names.",
        "Not set, though providers need it: ANTHROPIC_API_KEY.",
    ]
    assert status == 1


def doctor(state: Path, **variables: str) -> tuple[int, str]:
    """Run the command in a process of its own, with these settings; return its exit status and all that it said."""
    environment = {"PATH": os.environ["PATH"], "KNEO_SERV_STATE_DIR": str(state)} | variables
    command = [sys.executable, "manage.py", "doctor", "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_without_a_database_and_a_broker_the_rest_is_looked_at_and_no_password_told(tmp_path: Path) -> None:
    status, said = doctor(
        tmp_path,
        KNEO_SERV_DATABASE_URL="postgresql://kneo:hushhush@127.0.0.1:1/kneo",
        KNEO_SERV_BROKER_URL="amqp://kneo:hushhush@127.0.0.1:1//",
        KNEO_SERV_SECRET_KEY="hushhush",
        KNEO_SERV_WORKER_CONCURENCY="3",
    )
    told: dict[str, Any] = json.loads(said)
    wrong = {each["subject"]: each["text"] for each in told["findings"] if each["level"] == "wrong"}
    assert status == 1
    assert set(wrong) >= {"database", "broker"}
    assert "127.0.0.1:1" in wrong["database"]
    assert {"disk", "secrets", "settings"} <= {each["subject"] for each in told["findings"]}
    assert "Did you mean KNEO_SERV_WORKER_CONCURRENCY?" in said
    assert "hushhush" not in said
    assert said.count("KNEO_SERV_SECRET_KEY has") == 1
    assert not {"security.W008", "security.W009"} & set(re.findall(r"security\.W\d+", said))


def test_an_installation_without_tables_is_told_to_migrate(tmp_path: Path) -> None:
    (tmp_path / "kneo.sqlite3").touch()
    status, said = doctor(tmp_path)
    wrong = {each["subject"]: each["remedy"] for each in json.loads(said)["findings"] if each["level"] == "wrong"}
    assert (status, wrong["migrations"]) == (1, "Run: kneo migrate")
    assert not {"workers", "runs"} & set(wrong)


def test_every_run_left_is_still_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    run = RunFactory.create(status=Status.CREATED, wake_at=LONG_AGO)
    before = Run.objects.filter(pk=run.pk).values().get()
    examined(capsys)
    assert Run.objects.filter(pk=run.pk).values().get() == before


def test_a_queue_that_no_living_worker_takes_runs_from_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    RunFactory.create(status=Status.CREATED, queue="gpu", wake_at=LONG_AGO)
    status, found = examined(capsys)
    assert status == 1
    assert any("the queue gpu" in each.text and "kneo worker --queues gpu" in (each.remedy or "") for each in found)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connections")
@pytest.mark.parametrize(("kind", "named"), [("client backend", 1), ("autovacuum worker", 0)])
def test_a_transaction_that_keeps_the_vacuum_waiting_is_named_and_not_the_vacuum(
    capsys: pytest.CaptureFixture[str], kind: str, named: int
) -> None:
    with connection.cursor() as cursor:  # found before the server's own
        cursor.execute("CREATE TEMPORARY TABLE pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity LIMIT 0")
        cursor.execute(
            "INSERT INTO pg_stat_activity (pid, datname, backend_type, xact_start)"
            " VALUES (1, current_database(), %s, now() - interval '1 hour')",
            [kind],
        )
    _, found = examined(capsys)
    assert len([each for each in found if "in one transaction for 3600 s" in each.text]) == named
