"""A process dies between any two statements that end a waiting run: the run and its question end together or not."""

from collections.abc import Callable

import pytest

from humantasks.models import HumanTask
from runs import deadlines, services
from runs.engine.lifecycle import Status
from runs.models import Run
from tests.integration import questions
from tests.integration.crashing import crashes

pytestmark = pytest.mark.django_db(transaction=True)


def _sweep(_run: Run) -> None:
    deadlines.expire_overdue_tasks()


def _cancel(run: Run) -> None:
    services.cancel_run(run.pk, actor="alice")


def test_a_crash_while_a_question_expires_ends_the_run_once() -> None:
    for run in crashes(lambda: questions.overdue("fail"), _sweep):
        questions.assert_whole(run)
        _sweep(run)
        questions.assert_whole(run)
        assert (run.status, run.error_type) == (Status.EXPIRED, "human_task_expired")
        assert run.checkpoints.filter(type="run_expired").count() == 1
        assert questions.audited(run.pk, "human.expired") == 1


def test_a_crash_while_a_question_is_answered_by_its_deadline_goes_on_once() -> None:
    for run in crashes(lambda: questions.overdue("continue"), _sweep):
        questions.assert_whole(run)
        _sweep(run)
        questions.advance(run)
        questions.assert_whole(run)
        assert (run.status, run.output_text) == (Status.COMPLETED, "signed by one two")
        assert run.checkpoints.filter(type="human_resume").count() == 1
        assert questions.audited(run.pk, "human.continued") == 1


def test_a_crash_while_a_question_is_escalated_flags_it_once() -> None:
    for run in crashes(lambda: questions.overdue("escalate"), _sweep):
        questions.assert_whole(run)
        _sweep(run)
        questions.assert_whole(run)
        assert run.status == Status.BLOCKED
        assert HumanTask.objects.get(run=run).escalated_at is not None
        assert questions.audited(run.pk, "human.escalated") == 1


@pytest.mark.parametrize("waiting", [questions.start, questions.blocked], ids=["for a worker", "for a person"])
def test_a_crash_while_cancelling_cancels_once(waiting: Callable[[], Run]) -> None:
    for run in crashes(waiting, _cancel):
        questions.assert_whole(run)
        _cancel(run)
        questions.assert_whole(run)
        assert run.status == Status.CANCELLED
        assert run.checkpoints.filter(type="run_cancelled").count() == 1
        assert questions.audited(run.pk, "run.cancelled") == 1
