"""Shorthands are written out, and only where the language has them."""

import pytest

from specs.language.normalising import normalise, with_environment
from tests.unit.specs.factories import document


def test_the_shorthands_of_agents_are_written_out_at_the_root_and_in_components() -> None:
    short = {"name": "x", "model": "m", "strategy": "react", "tools": ["t"]}
    full = {
        "name": "x",
        "model": {"name": "m", "provider": "default"},
        "strategy": {"type": "react"},
        "tools": {"include": ["t"]},
    }

    written_out = normalise({"agent": short, "components": {"agents": {"x": short}}})

    assert written_out == {"agent": full, "components": {"agents": {"x": full}}}


def test_a_bare_name_is_an_agent_step_in_the_root_workflow_only() -> None:
    flow = {"type": "sequential", "steps": ["a"]}

    written_out = normalise({"workflow": flow, "components": {"workflows": {"w": flow}}})

    assert written_out["workflow"]["steps"] == [{"id": "a", "kind": "agent", "ref": "a"}]
    assert written_out["components"]["workflows"]["w"] == flow


def test_null_steps_of_the_root_workflow_are_no_steps() -> None:
    assert normalise({"workflow": {"type": "sequential", "steps": None}})["workflow"]["steps"] == []


@pytest.mark.parametrize("data", [{"agent": 5}, {"workflow": []}, {"components": {"agents": 1}}, {"components": 0}])
def test_wrong_types_are_left_alone(data: dict[str, object]) -> None:
    assert normalise(data) == data


@pytest.mark.parametrize("metadata", [{}, {"metadata": None}, {"metadata": {}}])
def test_the_environment_is_stamped_where_the_author_set_none(metadata: dict[str, object]) -> None:
    assert with_environment(document(**metadata), "prod")["metadata"] == {"environment": "prod"}


def test_the_environment_of_the_author_stays() -> None:
    assert with_environment(document(metadata={"environment": "dev"}), "prod")["metadata"] == {"environment": "dev"}


def test_without_an_environment_nothing_is_stamped() -> None:
    assert with_environment(document(), None) == document()
