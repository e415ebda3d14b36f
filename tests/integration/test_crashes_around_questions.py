"""A process dies between any two statements of a pause or a resume: no question is lost, doubled or half answered."""

import pytest

from humantasks.errors import HumanTaskNotFound
from runs import executor
from runs.engine.lifecycle import Status
from runs.models import Run
from tests.integration import questions
from tests.integration.crashing import crashes

pytestmark = pytest.mark.django_db(transaction=True)


def _advance_here(run: Run) -> None:
    executor.advance(run.pk)


def test_a_crash_on_the_way_to_a_question_asks_it_once() -> None:
    for run in crashes(questions.start, _advance_here):
        questions.assert_whole(run)
        questions.recover()
        questions.advance(run)
        questions.assert_whole(run)
        assert run.status == Status.BLOCKED
        questions.answer(run)
        questions.advance(run)
        questions.assert_completed(run)


def test_a_crash_while_answering_loses_no_answer_and_keeps_no_half_of_one() -> None:
    for run in crashes(questions.blocked, questions.answer):
        questions.assert_whole(run)
        if run.status == Status.BLOCKED:
            questions.answer(run)
        with pytest.raises(HumanTaskNotFound):
            questions.answer(run)
        questions.advance(run)
        questions.assert_completed(run)


def test_a_crash_after_the_answer_goes_on_from_the_answer() -> None:
    for run in crashes(questions.answered, _advance_here):
        questions.assert_whole(run)
        questions.recover()
        questions.advance(run)
        questions.assert_completed(run)
