"""The specs that the published kneo-serv froze in its runs, as the content of our snapshots. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runs.importing.values import list_of, mapping_of, one_of, text_of
from specs.language.layering import layer
from specs.language.plan import Shape

NOT_RECORDED: Mapping[str, Any] = {
    "not_recorded": "The spec of this run was not kept by the published kneo-serv, or cannot be kept here."
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is told by a spec where the record of a run does not say it. ``own_steps`` is empty when it is not known."""

    agent_name: str = ""
    workflow_name: str | None = None
    shape: Shape | None = None
    own_steps: frozenset[str] = frozenset()


def frozen_content(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the snapshot of a run with the metadata ``asked``; a mark in place of a spec not kept."""
    frozen = mapping_of(asked.get("frozen_spec"))
    content: dict[str, Any] = {
        "base": mapping_of(frozen.get("base")) or mapping_of(asked.get("spec")) or dict(NOT_RECORDED),
        "overlays": [overlay for overlay in list_of(frozen.get("overlays")) if isinstance(overlay, dict)],
        "overrides": mapping_of(asked.get("overrides")),
        "environment": text_of(asked.get("environment")),
    }
    if choice := mapping_of(asked.get("skills_overlay")):
        content["skills_overlay"] = {name: _names(choice.get(name)) for name in ("add", "disable")}
    if skills := mapping_of(frozen.get("skills")):
        content["skills"] = {name: _skill(mapping_of(skill)) for name, skill in skills.items()}
    return content


def unrecorded() -> dict[str, Any]:
    """Return the content that stands for a spec which cannot be kept."""
    return {"base": dict(NOT_RECORDED), "overlays": [], "overrides": {}, "environment": None}


def outline_of(content: Mapping[str, Any]) -> Outline:
    """Return what the spec of a snapshot tells; nothing of one in an older form of the language."""
    spec = layer(content["base"], [*content["overlays"], content["overrides"]])
    workflow = mapping_of(spec.get("workflow"))
    places = list_of(workflow.get("steps")) + list_of(workflow.get("participants"))
    named = {text_of(mapping_of(place).get("id")) for place in places}
    return Outline(
        agent_name=text_of(mapping_of(spec.get("agent")).get("name")) or "",
        workflow_name=text_of(workflow.get("name")),
        shape=one_of(Shape, workflow.get("type")),
        own_steps=frozenset({name for name in named if name} | set(mapping_of(workflow.get("nodes")))),
    )


def _skill(read: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored form of a skill as it was read there. Its files are not there any more."""
    told = mapping_of(read.get("sdk_fields"))
    return {
        "instructions": text_of(read.get("instructions")) or "",
        "description": text_of(told.get("description")),
        "defaults": mapping_of(told.get("defaults")),
        "allowed_tools": text_of(told.get("allowed_tools")),
        "metadata": mapping_of(read.get("metadata")),
        "resources": [],
    }


def _names(value: object) -> list[str]:
    return [name for name in list_of(value) if isinstance(name, str)]
