"""What a spec consists of, and in which order its components can be built."""

import pytest

from specs.language.checking import examine
from specs.language.dependencies import build_order
from specs.language.explaining import summarise
from specs.language.schema import Spec
from tests.unit.specs.factories import document, sequential, step

BACKED = {
    "agents": {"desk": {"name": "desk", "as_agent": "research"}, "a": {"name": "a"}, "b": {"name": "b"}},
    "workflows": {"research": {"type": "sequential", "steps": [step(ref="b")]}},
}


def spec_of(data: object) -> Spec:
    spec = examine(data).spec
    assert spec is not None
    return spec


def test_what_is_needed_is_built_first_and_equals_by_name() -> None:
    assert build_order(spec_of(document(components=BACKED))) == [
        ("agent", "a"),
        ("agent", "b"),
        ("workflow", "research"),
        ("agent", "desk"),
    ]


def test_a_tool_is_built_after_its_agent_and_before_the_agents_that_use_it() -> None:
    agents = {"a-user": {"name": "u", "tools": ["ask"]}, "expert": {"name": "e"}}
    tools = {"ask": {"description": "d", "agent": "expert"}}

    order = build_order(spec_of(document(components={"agents": agents}, tools=tools)))

    assert order == [("agent", "expert"), ("tool", "ask"), ("agent", "a-user")]


def test_the_public_forms_say_what_there_is() -> None:
    summary = summarise(spec_of(document(components=BACKED)))

    assert summary.as_compiled() == {
        "has_root_agent": True,
        "has_root_workflow": False,
        "component_agents": ["a", "b", "desk"],
    }
    assert summary.as_explained() == {
        "root_agent": "root",
        "root_workflow": None,
        "component_agents": ["a", "b", "desk"],
        "component_workflows": ["research"],
    }


@pytest.mark.parametrize(("name", "shown"), [(None, "sequential-workflow"), ("intake", "intake")])
def test_a_workflow_without_a_name_is_called_after_its_shape(name: str | None, shown: str) -> None:
    data = sequential(step())
    data["workflow"]["name"] = name

    assert summarise(spec_of(data)).root_workflow == shown
