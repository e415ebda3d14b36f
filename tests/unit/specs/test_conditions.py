"""When an edge is taken."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.language.conditions import Condition, Facts, compile_condition, matches
from specs.language.schema.workflows import ConditionSpec

FACTS = Facts(
    output_text="Severe: Disk full",
    metadata={"node_kind": "human", "count": 1},
    variables={"limit": 5, "ready": True},
    decision="approved",
)

LEAVES = st.sampled_from(
    [
        {"type": "always"},
        {"type": "never"},
        {"type": "output_contains", "value": "disk"},
        {"type": "decision_is", "value": "rejected"},
        {"type": "variable_equals", "key": "limit", "value": 5},
    ]
)


def met(**condition: Any) -> bool:
    """Return whether the facts meet the condition that is written so in a spec."""
    return matches(compile_condition(ConditionSpec(**condition)), FACTS)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"type": "always"}, True),
        ({"type": "never"}, False),
        ({"type": "output_contains", "value": "DISK"}, True),
        ({"type": "output_contains", "value": "DISK", "case_sensitive": True}, False),
        ({"type": "output_equals", "value": "severe: disk full"}, True),
        ({"type": "output_equals", "value": "severe"}, False),
        ({"type": "output_contains", "value": 5}, False),
        ({"type": "status_is", "value": "completed"}, True),
        ({"type": "status_is", "value": "failed"}, False),
        ({"type": "decision_is", "value": "approved"}, True),
        ({"type": "decision_is", "value": "rejected"}, False),
        ({"type": "metadata_equals", "key": "node_kind", "value": "human"}, True),
        ({"type": "metadata_equals", "key": "nothing", "value": "human"}, False),
        ({"type": "metadata_equals", "key": "count", "value": True}, False),
        ({"type": "variable_equals", "key": "limit", "value": 5}, True),
        ({"type": "variable_equals", "key": "ready", "value": 1}, False),
    ],
)
def test_a_condition_is_met_by_the_facts_it_asks_for(condition: dict[str, Any], *, expected: bool) -> None:
    assert met(**condition) is expected


def test_an_edge_without_a_condition_is_always_taken() -> None:
    assert matches(None, FACTS)


def test_without_a_decision_none_is_met() -> None:
    assert not matches(Condition(type="decision_is", value="approved"), Facts(output_text=""))


@given(st.lists(LEAVES, min_size=1, max_size=4))
def test_combinations_mean_what_they_say(parts: list[dict[str, Any]]) -> None:
    each = [met(**part) for part in parts]
    assert met(type="all_of", conditions=parts) is all(each)
    assert met(type="any_of", conditions=parts) is any(each)
    assert met(type="not", condition=parts[0]) is not each[0]
