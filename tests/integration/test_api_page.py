"""docs/api.md: what it shows works as it is written there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from kneo_project.audit.models import AuditEvent
from kneo_project.celery import app as celery
from runs.engine.lifecycle import Status
from runs.models import Run
from tests.documentation.pages import blocks
from tests.integration.driving import advance as drive
from tests.integration.driving import human, spec_of, start, step

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "a-key-of-the-api-page"
HUMANS = {"boss": {"description": "May this go out?"}}
SPEC = "version: v1\nagent: {name: greeter}\n"


@pytest.fixture(autouse=True)
def service(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service with a key, whose specs lie in the directory of the caller."""
    settings.API_KEYS = f"ci:{KEY}:admin"
    settings.SPEC_ROOT = tmp_path.resolve()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "review.yaml").write_text(SPEC)
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


@pytest.fixture
def caller(live_server: LiveServer, tmp_path: Path) -> dict[str, Any]:
    """How a program of a caller is run."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "KNEO_SERV_URL": live_server.url,
        "KNEO_SERV_API_KEY": KEY,
    }
    return {"cwd": tmp_path, "env": environment, "text": True, "capture_output": True, "timeout": 60}


def shell(caller: dict[str, Any], script: str) -> str:
    """Return what ``script`` prints; it must not fail."""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=False, **caller)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_the_calls_by_curl_are_accepted(caller: dict[str, Any]) -> None:
    order, _, bulk, _ = blocks("api.md", "sh")
    assert '"run_id"' in shell(caller, order)
    run = Run.objects.get()
    assert (run.tags, run.caller_metadata, run.status) == (["billing"], {"ticket": 17}, Status.COMPLETED)
    assert '"matched":0' in shell(caller, bulk)


def test_a_question_is_claimed_and_assigned_by_curl(caller: dict[str, Any]) -> None:
    run = start(spec_of(step("a"), human(), humans=HUMANS))
    drive(run)
    task = run.human_tasks.get()
    caller["env"]["CONTINUATION_ID"] = str(task.pk)
    *_, who = blocks("api.md", "sh")
    shell(caller, who)
    task.refresh_from_db()
    assert (task.assignee, task.assignee_kind) == ("finance", "group")
    assert AuditEvent.objects.filter(event_type="human.claimed", actor="ci").exists()


def test_the_inbox_answers_what_is_asked(caller: dict[str, Any]) -> None:
    (inbox,) = blocks("api.md", "python")
    assert len([line for line in inbox.splitlines() if line.strip()]) <= 30
    runs = [start(spec_of(step("a"), human(), step("b"), humans=HUMANS)) for _ in range(3)]
    for run in runs:
        drive(run)
    done = subprocess.run([sys.executable, "-c", inbox], input="y\nn\nbetter\n", check=False, **caller)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is completed") == 3
    assert "hi>a" in done.stdout
    decisions = {task.decision for run in runs for task in run.human_tasks.all()}
    assert decisions == {"approved", "rejected", "edited"}


def test_the_ci_job_validates_and_runs_the_spec(caller: dict[str, Any]) -> None:
    (workflow,) = blocks("api.md", "yaml")
    steps = yaml.safe_load(workflow)["jobs"]["spec"]["steps"]
    script = "\n".join(each["run"] for each in steps if "name" in each)
    shell(caller, script)
    assert Run.objects.get().status == Status.COMPLETED
    (Path(caller["cwd"]) / "review.yaml").write_text("version: v1\nagent: {}\n")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=False, **caller)
    assert done.returncode == 1
