"""The quickstart and the tutorials work as they are written."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from kneo_project.celery import app as celery
from runs import heartbeat
from runs.models import Run
from tests.documentation.pages import blocks
from tests.documentation.reader import Reader


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of somebody who follows the pages. Its database is made once: that takes longer than the rest."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def reader(home: Path) -> Reader:
    return Reader(home)


def test_the_quickstart_runs_asks_and_completes(home: Path, reader: Reader) -> None:
    (spec,) = blocks("quickstart.md", "yaml")
    install, validate, order, answer, serve = blocks("quickstart.md", "sh")
    (home / ".venv/bin").mkdir(parents=True)
    (home / ".venv/bin/activate").touch()  # as make would have made it
    reader.run(install)
    assert serve == "kneo serve\n", "tests/acceptance/test_pages.py starts it"
    (home / "greet.yaml").write_text(spec)

    assert "valid" in reader.run(validate)
    stopped = reader.run(order, also={"COLUMNS": "200"})
    assert "blocked" in stopped
    told_ids = re.search(
        r"Run ([\w-]+).*kneo human resume ([\w-]+) --request-id ([\w-]+) --approve", stopped, re.DOTALL
    )
    assert told_ids
    for name, value in zip(("RUN_ID", "CONTINUATION_ID", "REQUEST_ID"), told_ids.groups(), strict=True):
        answer = answer.replace(name, value)
    told = reader.run(answer)
    assert "completed" in told
    assert "Say hello to Ada" in told


def test_the_agent_calls_its_tool(home: Path, reader: Reader) -> None:
    (module,) = blocks("tutorials/agent.md", "python")
    (spec,) = blocks("tutorials/agent.md", "yaml")
    (script,) = blocks("tutorials/agent.md", "sh")
    (home / "shop.py").write_text(module)
    (home / "buyer.yaml").write_text(spec)

    told = reader.run(script)
    assert "completed" in told
    assert "12.50 EUR" in told


@pytest.fixture
def service(settings: Settings, home: Path, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[None]:
    """A service without keys, started in the directory of the caller, which may use its functions."""
    settings.SPEC_ROOT = home.resolve()
    settings.FUNCTION_MODULES = ("desk",)
    monkeypatch.chdir(home)
    monkeypatch.syspath_prepend(str(home))
    celery.conf.task_always_eager = True
    yield
    heartbeat.retire()
    celery.conf.task_always_eager = False


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("service")
def test_the_claim_is_ordered_asked_about_and_answered(home: Path, reader: Reader, live_server: LiveServer) -> None:
    (module,) = blocks("tutorials/approval.md", "python")
    (spec,) = blocks("tutorials/approval.md", "yaml")
    (script,) = blocks("tutorials/approval.md", "sh")
    (home / "desk.py").write_text(module)
    (home / "expense.yaml").write_text(spec)

    told = reader.run(script, also={"KNEO_SERV_URL": live_server.url})
    assert "Cost centre: 7100 travel" in told
    run: Any = Run.objects.get()
    assert (run.status, run.human_tasks.get().decision) == ("completed", "approved")
