"""What an answer to a delivery means, and when to try again."""

import pytest

from kneo_project.redaction import redact_text
from kneo_project.webhooks.signing import new_secret
from kneo_project.webhooks.verdicts import LONGEST_WAIT_SECONDS, Answer, Verdict, verdict_on


def judged(answer: Answer, attempts: int = 1, chance: float = 1.0) -> Verdict:
    return verdict_on(answer, attempts=attempts, max_attempts=8, backoff_seconds=10.0, chance=chance)


@pytest.mark.parametrize("code", [200, 201, 204, 299])
def test_success_at_any_attempt_is_success(code: int) -> None:
    assert {judged(Answer(status_code=code), attempts).status for attempts in (1, 8, 9)} == {"delivered"}


@pytest.mark.parametrize("code", [None, 100, 301, 307, 400, 401, 404, 409, 429, 500, 503, 599])
def test_everything_else_is_tried_again_while_there_are_attempts(code: int | None) -> None:
    assert [judged(Answer(status_code=code), attempts).status for attempts in (1, 7, 8)] == [
        "pending",
        "pending",
        "dead",
    ]


def test_gone_is_dead_at_once() -> None:
    assert judged(Answer(status_code=410)) == Verdict(status=judged(Answer(), 8).status, is_gone=True)


def test_the_wait_quadruples_and_half_of_it_is_chance() -> None:
    waits = [(judged(Answer(), n, 0.0).retry_after_seconds, judged(Answer(), n).retry_after_seconds) for n in (1, 2, 7)]
    assert waits == [(5.0, 10.0), (20.0, 40.0), (20_480.0, 40_960.0)]


def test_no_wait_is_longer_than_half_a_day() -> None:
    verdict = verdict_on(Answer(), attempts=9_999, max_attempts=10_000, backoff_seconds=10.0)
    assert verdict.retry_after_seconds == LONGEST_WAIT_SECONDS


@pytest.mark.parametrize(("asked", "wait"), [(3.0, 10.0), (60.0, 60.0), (1e9, LONGEST_WAIT_SECONDS), (None, 10.0)])
def test_who_asks_for_more_time_gets_it(asked: float | None, wait: float) -> None:
    assert judged(Answer(status_code=503, retry_after_seconds=asked)).retry_after_seconds == wait


def test_a_secret_is_known_as_one_wherever_it_is_shown() -> None:
    assert redact_text(f"sign with {new_secret()}.") == "sign with [REDACTED]."
