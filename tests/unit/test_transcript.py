"""The conversation that a run's records tell."""

from typing import Any

from runs.engine.progress import RecordType
from runs.inspection.transcript import transcript
from runs.models import Checkpoint

AGENT = {"agent_name": "root"}
PERSON = {"decision": "edited"}


def step(name: str, received: str, returned: str, details: dict[str, Any] | None = None) -> Checkpoint:
    return Checkpoint(
        type=RecordType.STEP_COMPLETED,
        step_id=name,
        input_text=received,
        output_text=returned,
        details=details or {},
    )


def told(*records: Checkpoint) -> list[tuple[str, str, str | None]]:
    return [(message.role, message.content, message.name) for message in transcript("hi", records)]


def test_it_starts_with_the_input() -> None:
    assert told() == [("user", "hi", None)]


def test_a_function_adds_a_turn_in_its_own_name() -> None:
    assert told(step("a", "hi", "hi>a"), step("b", "hi>a", "hi>a>b")) == [
        ("user", "hi", None),
        ("assistant", "hi>a", "a"),
        ("assistant", "hi>a>b", "b"),
    ]


def test_an_agent_starts_over_with_its_own_input() -> None:
    assert told(step("a", "hi", "hi>a"), step("writer", "hi>a", "Dear", AGENT)) == [
        ("user", "hi>a", None),
        ("assistant", "Dear", None),
    ]


def test_an_agent_alone_answers_the_input() -> None:
    end = Checkpoint(type=RecordType.RUN_COMPLETED, output_text="Dear", details=AGENT)
    assert told(end) == [("user", "hi", None), ("assistant", "Dear", None)]


def test_a_person_speaks_as_the_user() -> None:
    assert told(step("human", "hi", "new", PERSON)) == [("user", "hi", None), ("user", "new", None)]


def test_a_step_that_failed_said_nothing() -> None:
    tolerated = step("boom", "hi", "hi", {"step_failed": True})
    failed = Checkpoint(type=RecordType.STEP_FAILED, step_id="boom", input_text="hi")
    assert told(tolerated, failed) == [("user", "hi", None)]
