"""Concurrent, handoff and group chat."""

import pytest

from tests.unit.specs.factories import found_in, orchestration, step


@pytest.mark.parametrize("shape", ["concurrent", "handoff", "group-chat", "group_chat"])
def test_participants_are_told_apart_by_id(shape: str) -> None:
    assert found_in(orchestration(shape, step(), step())) == [
        ("E_PARTICIPANT_DUPLICATE_ID", "workflow.participants[1].id")
    ]


@pytest.mark.parametrize("fields", [{"on_error": "fallback"}, {"fallback_ref": "x"}])
def test_a_participant_has_no_fallback(fields: dict[str, str]) -> None:
    assert found_in(orchestration("handoff", step(**fields))) == [
        ("E_PARTICIPANT_FALLBACK_UNSUPPORTED", "workflow.participants[0].fallback_ref")
    ]


@pytest.mark.parametrize("shape", ["concurrent", "handoff", "group-chat"])
def test_several_people_may_be_asked(shape: str) -> None:
    people = [step(name, "human", "boss") for name in "ab"]

    assert found_in(orchestration(shape, *people)) == []


def test_the_order_of_a_handoff_names_participants_even_disabled_ones() -> None:
    participants = [step("a"), step("b", enabled=False)]
    selector = {"sequence": ["a", "b", "ghost", "a"]}

    assert found_in(orchestration("handoff", *participants, selector=selector)) == [
        ("E_HANDOFF_SELECTOR_REF", "workflow.selector.sequence[2]"),
        ("W_HANDOFF_SELECTOR_DISABLED", "workflow.selector.sequence[1]"),
    ]


def test_somebody_in_the_order_of_a_handoff_has_a_turn() -> None:
    participants = [step("a"), step("b", enabled=False)]

    assert found_in(orchestration("handoff", *participants, selector={"sequence": ["b"]})) == [
        ("W_HANDOFF_SELECTOR_DISABLED", "workflow.selector.sequence[0]"),
        ("E_WORKFLOW_EMPTY", "workflow.selector.sequence"),
    ]


@pytest.mark.parametrize("rounds", [0, -1])
def test_a_group_chat_has_a_round(rounds: int) -> None:
    assert found_in(orchestration("group-chat", step(), rounds=rounds)) == [("E_GROUP_CHAT_ROUNDS", "workflow.rounds")]
