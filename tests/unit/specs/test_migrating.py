"""v0 documents become v1, and it is told what was done."""

import pytest

from specs.language.checking import check
from specs.language.migrating import migrate
from tests.unit.specs.factories import document, found_in

LEGACY = {
    "root_agent": {"name": "old"},
    "root_workflow": {"steps": ["one"]},
    "component_agents": {"one": {"name": "one"}},
    "component_workflows": {"tail": [{"id": "f", "kind": "function", "ref": "f"}], "side": {"steps": []}},
    "functions": {"f": {"implementation": "html.escape"}},
    "humans": {},
}


def test_every_legacy_shape_becomes_its_v1_form() -> None:
    assert migrate(LEGACY).data == {
        "version": "v1",
        "agent": {"name": "old"},
        "workflow": {"type": "sequential", "steps": ["one"]},
        "components": {
            "agents": {"one": {"name": "one"}},
            "workflows": {
                "tail": {"type": "sequential", "steps": [{"id": "f", "kind": "function", "ref": "f"}]},
                "side": {"type": "sequential", "steps": []},
            },
            "functions": {"f": {"implementation": "html.escape"}},
        },
    }


def test_what_was_done_is_told_in_order() -> None:
    assert migrate(LEGACY).applied == (
        "set version=v1",
        "renamed root_agent to agent",
        "renamed root_workflow to workflow",
        "moved component_agents to components.agents",
        "moved component_workflows to components.workflows",
        "moved functions to components.functions",
        "set workflow.type=sequential",
        "converted components.workflows.tail list to sequential workflow",
        "set components.workflows.side.type=sequential",
    )


def test_migrating_changes_nothing_in_place() -> None:
    before = repr(LEGACY)

    migrate(LEGACY)

    assert repr(LEGACY) == before


def test_a_v1_document_is_left_alone() -> None:
    assert migrate(document()).data == document()
    assert migrate(document()).applied == ()


def test_a_legacy_entry_wins_over_one_of_the_same_name() -> None:
    old = {"agent": {"name": "r"}, "functions": {"f": 1}, "components": {"functions": {"f": 2, "g": 3}}}

    assert migrate(old).data["components"] == {"functions": {"f": 1, "g": 3}}


@pytest.mark.parametrize("version", ["v2", "V1", 1, "", [], {"a": 1}])
def test_an_unknown_version_is_an_error(version: object) -> None:
    (found,) = check({"version": version, "agent": {"name": "root"}})

    assert (found.code, found.path) == ("E_VERSION", "version")


@pytest.mark.parametrize(
    "old",
    [
        {"agent": {"name": "a"}, "root_agent": {"name": "b"}},
        {"agent": {"name": "a"}, "components": None, "functions": {"f": {"implementation": "a.b"}}},
        {"agent": {"name": "a"}, "component_agents": [1]},
        {"agent": {"name": "a"}, "components": {"agents": None}, "component_agents": {"x": {"name": "x"}}},
    ],
)
def test_what_cannot_be_migrated_is_left_for_the_schema_to_refuse(old: object) -> None:
    assert found_in(old) == [("E_SCHEMA", None)]
