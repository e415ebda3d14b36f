"""Timeouts of steps that are workflows: everything inside them ends, and the step has failed."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from humantasks.models import HumanTask, TaskStatus
from humantasks.rules import Answer, Decision
from runs import deadlines, services
from runs.models import Run
from runs.redriving import continue_run
from tests.integration.driving import advance, human, start, step
from tests.integration.functions import CALLS
from tests.integration.test_fan_outs import branches, drive, over
from tests.integration.test_shapes import among, answer, paths, sequence
from tests.integration.test_shapes import spec_of as shaped

pytestmark = pytest.mark.django_db(transaction=True)


def timed(**fields: Any) -> dict[str, Any]:
    """Return a step that is a workflow and has a timeout, between two others."""
    inner = step("in", "deep", kind="workflow", **{"timeout_seconds": 60, **fields})
    return sequence("a", inner, "b")


def run_of(deep: dict[str, Any], **fields: Any) -> Run:
    """Return a run with ``deep`` as its timed workflow, driven as far as it goes."""
    spec = shaped(timed(**fields), deep=deep, many=over(human()))
    spec["components"]["waits"] = {"hour": {"seconds": 3600}}
    spec["components"]["functions"]["pair"] = {"implementation": "tests.acceptance.steps.pair"}
    return drive(start(spec))


def let_time_pass(run: Run) -> None:
    """Let the time of every workflow of ``run`` be over, and drive it."""
    run.refresh_from_db()
    past = timezone.now() - timedelta(minutes=1)
    cursor = json.loads(re.sub(r'"until": [0-9.]+', f'"until": {past.timestamp()}', json.dumps(run.cursor)))
    Run.objects.filter(pk=run.pk).update(cursor=cursor, wake_at=past)
    deadlines.wake_blocked()
    drive(run)


def test_a_workflow_that_takes_too_long_fails_its_step() -> None:
    run = run_of(sequence("c", "slow"), timeout_seconds=1)
    assert (run.status, run.error_type) == ("failed", "RetryTimeoutError")
    assert run.error_message == "Operation timed out after 1 seconds."
    assert paths(run) == ["a#1", "in/c#1"]


def test_what_the_step_says_about_errors_counts() -> None:
    run = run_of(sequence("slow"), timeout_seconds=1, on_error="continue")
    assert (run.status, run.output_text) == ("completed", "hi>a>b")


def test_a_workflow_that_is_quick_enough_is_not_disturbed() -> None:
    run = run_of(sequence("c"))
    assert (run.status, run.output_text) == ("completed", "hi>a>c>b")


def test_a_new_attempt_has_the_whole_time_again(settings: Settings) -> None:
    settings.STEP_RETRY_BACKOFF_SECONDS = 0
    settings.WORKFLOW_RETRY_ON_TIMEOUT = True
    run = run_of(sequence("c", human()), max_retries=1)
    let_time_pass(run)
    assert (run.status, CALLS["c"]) == ("blocked", 2)
    answer(run, Decision.APPROVED)
    assert (run.status, run.output_text) == ("completed", "hi>a>c>b")


def test_time_passes_while_a_person_thinks_and_the_question_is_closed() -> None:
    run = run_of(sequence("c", human()))
    assert run.status == "blocked"
    assert run.wake_at is not None
    assert timedelta(seconds=50) < run.wake_at - timezone.now() < timedelta(seconds=61)

    let_time_pass(run)

    assert (run.status, run.error_type) == ("failed", "RetryTimeoutError")
    assert HumanTask.objects.get(run=run).status == TaskStatus.CANCELLED


def test_answering_one_question_of_two_does_not_stop_the_clock() -> None:
    run = run_of(among("concurrent", human(), step("boss2", "boss", kind="human")))
    answer_one(run)
    run.refresh_from_db()
    assert run.status == "blocked"
    assert run.wake_at is not None
    let_time_pass(run)
    assert (run.status, run.error_type) == ("failed", "RetryTimeoutError")


def answer_one(run: Run) -> None:
    """Approve one of the questions."""
    task = HumanTask.objects.open().filter(run=run)[0]
    services.resume_run(task.pk, Answer(request_id=str(task.request_id), decision=Decision.APPROVED), actor="alice")


def test_a_wait_inside_is_not_waited_for_beyond_the_timeout() -> None:
    run = run_of(sequence(step("pause", "hour", "wait")))
    assert run.wake_at is not None
    assert run.wake_at - timezone.now() < timedelta(seconds=61)
    let_time_pass(run)
    assert (run.status, run.error_type) == ("failed", "RetryTimeoutError")


def test_branches_that_are_runs_end_with_the_workflow_around_them() -> None:
    run = run_of(sequence(step("split", "pair"), step("m", "many", kind="workflow")), on_error="continue")
    assert [branch.status for branch in branches(run)] == ["blocked", "blocked"]

    let_time_pass(run)

    assert (run.status, run.output_text) == ("completed", "hi>a>b")
    assert [branch.status for branch in branches(run)] == ["cancelled", "cancelled"]
    assert not HumanTask.objects.open().exists()


def test_going_on_with_a_workflow_that_took_too_long_gives_it_its_time_again() -> None:
    run = run_of(sequence("c", human()))
    let_time_pass(run)
    continue_run(run.pk, actor="alice")
    advance(run)
    assert (run.status, CALLS["c"]) == ("blocked", 1)
    answer(run, Decision.APPROVED)
    assert (run.status, run.output_text, CALLS["c"]) == ("completed", "hi>a>c>b", 1)


def test_the_outer_one_of_two_timeouts_counts_when_it_is_over_first() -> None:
    spec = shaped(timed(timeout_seconds=1, on_error="continue"), deep=sequence(step("x", "deeper", kind="workflow")))
    spec["components"]["workflows"]["deeper"] = sequence("slow")
    spec["components"]["workflows"]["deep"]["steps"][0] |= {"timeout_seconds": 60, "on_error": "fail"}
    run = drive(start(spec))
    assert (run.status, run.output_text) == ("completed", "hi>a>b")
