"""``runs redrive``: going on with many runs that failed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kneo_project.audit.models import AuditEvent
from kneo_project.celery import app as celery
from runs.cli import app
from runs.models import Run
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.functions import CALLS, FAILING

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def bell() -> Iterator[None]:
    """Let the bell advance the run in the process that rings it, and count from nothing."""
    CALLS.clear()
    FAILING.clear()
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


def failed() -> Run:
    """Return a run whose second step failed."""
    FAILING.add("b")
    run = start(spec_of(step("a"), step("b")))
    advance(run)
    FAILING.clear()
    return run


def redrive(*options: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["redrive", "--pause", "0", *options])


def told(*options: str) -> dict[str, Any]:
    """Run the command, and return what it says in JSON."""
    result = redrive("--json", *options)
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.output)
    return answer


def test_all_that_failed_go_on_in_batches() -> None:
    runs = [failed() for _ in range(5)]

    assert told("--batch-size", "2")["counts"] == {"goes on": 5}
    assert {Run.objects.get(pk=run.pk).status for run in runs} == {"completed"}
    assert CALLS["a"] == 5
    assert AuditEvent.objects.filter(event_type="run.continued", actor="cli").count() == 5


def test_a_rehearsal_changes_nothing() -> None:
    run = failed()

    result = redrive("--dry-run")

    assert (result.exit_code, "would go on: 1" in result.output) == (0, True)
    run.refresh_from_db()
    assert run.status == "failed"


@pytest.mark.parametrize(
    "options",
    [
        ("--status", "dead_letter"),
        ("--error-type", "ValueError"),
        ("--workflow", "other"),
        ("--since", "2999-01-01"),
        ("--until", "2000-01-01"),
    ],
)
def test_what_is_not_meant_stays_as_it_is(options: tuple[str, str]) -> None:
    failed()

    assert told(*options)["runs"] == []


def test_the_oldest_failures_come_first() -> None:
    first, _ = failed(), failed()

    assert [run["run_id"] for run in told("--limit", "1")["runs"]] == [str(first.pk)]


def test_a_status_that_cannot_be_redriven_is_wrong_usage() -> None:
    assert redrive("--status", "completed").exit_code == 2
