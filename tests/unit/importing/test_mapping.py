"""What records of a published kneo-serv become, where the databases that are imported in tests have none such."""

import base64
import json
import uuid
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from runs.engine.lifecycle import Status
from runs.importing.mapping import Arrival, arrival, audit_columns, checkpoint_columns, event_columns
from runs.importing.specs import NOT_RECORDED
from runs.importing.values import Unreadable, document, moment_of, whole_of
from specs.language.plan import Shape

AT = datetime(2026, 11, 27, tzinfo=UTC)
ID = str(uuid.UUID(int=7))
SPEC = {"agent": {"name": "root"}, "workflow": {"type": "group-chat", "name": "talk", "participants": [{"id": "a"}]}}


def arriving(**fields: Any) -> Arrival:
    """Return how a completed run with these fields arrives."""
    metadata = {"target": "workflow", "spec": SPEC} | fields.pop("metadata", {})
    return arrival({"id": ID, "status": "completed", "metadata": metadata} | fields, AT)


@pytest.mark.parametrize("status", ["failed", "cancelled", "timed_out", "expired"])
def test_what_ended_keeps_its_end(status: str) -> None:
    columns = arriving(status=status, error={"type": "why", "message": "so"}).columns
    assert (columns["status"], columns["error_type"], columns["error_message"]) == (status, "why", "so")


@pytest.mark.parametrize("status", ["created", "running", "paused", "blocked"])
def test_what_had_not_ended_has_failed_now(status: str) -> None:
    arrived = arriving(status=status, completed_at=None)
    assert (arrived.columns["status"], arrived.columns["error_type"]) == (Status.FAILED, "imported_unfinished")
    assert arrived.columns["completed_at"] == AT


def test_an_error_that_was_tolerated_does_not_stay_on_a_completed_run() -> None:
    assert arriving(error={"type": "step_failed", "message": "no"}).columns["error_type"] is None


def test_outputs_are_redacted_and_a_notice_is_no_output() -> None:
    assert arriving(output_text="write to mary@example.org").columns["output_text"] == "write to [REDACTED_EMAIL]"
    assert arriving(status="expired", output_text="Human intervention required.").columns["output_text"] is None


@pytest.mark.parametrize("wrong", [{"status": "dreaming"}, {"id": "7"}, {"id": None}])
def test_a_run_without_a_known_status_or_id_is_unreadable(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        arriving(**wrong)


def test_values_that_are_no_values_are_left_out() -> None:
    odd = arriving(tags=["a", 1], session_id=7, started_at="yesterday", metadata={"usage": {"total_tokens": -1}})
    assert [odd.columns[name] for name in ("tags", "session_id", "started_at", "total_tokens")] == [
        ["a"],
        None,
        None,
        None,
    ]


def test_a_spec_that_was_not_kept_is_marked() -> None:
    assert arriving(metadata={"spec": None}).content["base"] == NOT_RECORDED


def test_the_skills_that_were_frozen_arrive() -> None:
    skill = {"name": "s", "instructions": "be kind", "sdk_fields": {"description": "Manners", "defaults": {}}}
    content = arriving(metadata={"frozen_spec": {"base": SPEC, "overlays": [], "skills": {"s": skill}}}).content
    assert (content["skills"]["s"]["instructions"], content["skills"]["s"]["description"]) == ("be kind", "Manners")


def test_steps_get_the_shape_of_their_workflow_and_those_inside_another_a_place_of_their_own() -> None:
    run = arriving(metadata={"workflow_type": "group_chat"})
    own, inner = (
        checkpoint_columns(
            {"type": "step_completed", "step_id": name, "metadata": {"workflow_type": "sequential"}}, run
        )
        for name in ("a", "b")
    )
    assert own
    assert inner
    assert (own["path"], own["details"]["workflow_type"]) == ("a", Shape.GROUP_CHAT)
    assert inner["path"] == "inside/b"


def test_a_failed_step_keeps_its_error_and_an_unknown_kind_does_not_come() -> None:
    failed = checkpoint_columns({"type": "step_failed", "node_id": "a", "metadata": {"error": "no"}}, arriving())
    assert failed
    assert (failed["step_id"], failed["error_type"], failed["error_message"]) == ("a", "step_failed", "no")
    assert checkpoint_columns({"type": "manual"}, arriving()) is None


def test_traces_and_audit_events_are_redacted() -> None:
    event = event_columns({"type": "run_started", "input_preview": "sk-abcdefghijklmnop"}, arriving())
    assert event["input_preview"] == "[REDACTED]"
    assert audit_columns({"id": ID, "metadata": {"password": "x"}}, AT)["metadata"] == {"password": "[REDACTED]"}


def test_texts_that_no_database_keeps_are_mended() -> None:
    assert document('{"a\\u0000": ["\\u0000", "\\ud800"]}') == {"a\ufffd": ["\ufffd", "?"]}


def packed(text: bytes, way: str = "zlib+base64+json") -> str:
    return json.dumps({"__kneo_checkpoint_payload__": way, "payload": base64.b64encode(text).decode()})


def test_packed_records_are_unpacked() -> None:
    assert document(packed(zlib.compress(b'{"a": 1}'))) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ("[]", "no object"),
        ("[" * 50_000, "not JSON"),
        ('{"a":' * 150 + "1" + "}" * 150, "nested too deep"),
        (packed(zlib.compress(b"{}"), way="zip"), "unknown way"),
        (packed(b"none"), "cannot be unpacked"),
        (packed(zlib.compress(b'{"a": 1}')[:-3]), "cut off"),
        (packed(zlib.compress(b" " * (64 * 1024 * 1024 + 1))), "too large"),
    ],
)
def test_what_is_no_record_is_unreadable(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        document(text)


def test_moments_and_numbers() -> None:
    assert moment_of("2026-11-27T00:00:00") == moment_of(AT.timestamp()) == AT
    assert [moment_of(each) for each in (None, True, "x", 1e300, float("inf"))] == [None] * 5
    assert [whole_of(each) for each in (3, -1, True, 2**63, "3")] == [3, None, None, None, None]
