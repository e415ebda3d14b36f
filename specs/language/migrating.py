"""From v0 documents to v1. A v1 document is returned as it is; nothing is changed in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from specs.language.diagnostics import Finding

CURRENT = "v1"
RENAMED = {"root_agent": "agent", "root_workflow": "workflow"}
MOVED = {
    "component_agents": "agents",
    "component_workflows": "workflows",
    "functions": "functions",
    "humans": "humans",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """The document as v1, and what was done to it, in order."""

    data: dict[str, Any]
    applied: tuple[str, ...] = ()


def unknown_version(data: Mapping[str, Any]) -> Finding | None:
    """Return what is wrong with the version of ``data``, if anything."""
    if _is_legacy(data) or data["version"] == CURRENT:
        return None
    return Finding("E_VERSION", ("version",), "This version of the language is not known.", "Write `version: v1`.")


def migrate(data: Mapping[str, Any]) -> Migration:
    """Return ``data``, whose version is known, as v1. Wrong-typed blocks stay as they are, for the schema to refuse."""
    migrated = dict(data)
    if not _is_legacy(data):
        return Migration(data=migrated)
    applied = [f"set version={CURRENT}"]
    migrated["version"] = CURRENT
    for old, new in RENAMED.items():
        if old in migrated and new not in migrated:
            migrated[new] = migrated.pop(old)
            applied.append(f"renamed {old} to {new}")
    applied += _move_components(migrated)
    applied += _give_types(migrated)
    return Migration(data=migrated, applied=tuple(applied))


def _is_legacy(data: Mapping[str, Any]) -> bool:
    return data.get("version") is None or data["version"] == "v0"


def _move_components(migrated: dict[str, Any]) -> list[str]:
    components = migrated.get("components", {})
    if not isinstance(components, dict):
        return []
    migrated["components"] = components = dict(components)
    applied = []
    for old, new in MOVED.items():
        legacy, present = migrated.get(old), components.get(new, {})
        if isinstance(legacy, dict) and legacy and isinstance(present, dict):
            components[new] = {**present, **legacy}
            applied.append(f"moved {old} to components.{new}")
        elif legacy:
            continue
        migrated.pop(old, None)
    return applied


def _give_types(migrated: dict[str, Any]) -> list[str]:
    applied = []
    if "workflow" in migrated:
        migrated["workflow"], done = _typed(migrated["workflow"], "workflow")
        applied += done
    components = migrated.get("components")
    workflows = components.get("workflows") if isinstance(components, dict) else None
    if isinstance(components, dict) and isinstance(workflows, dict):
        components["workflows"] = typed = dict(workflows)
        for name, workflow in workflows.items():
            typed[name], done = _typed(workflow, f"components.workflows.{name}")
            applied += done
    return applied


def _typed(workflow: object, path: str) -> tuple[object, list[str]]:
    if isinstance(workflow, list):
        return {"type": "sequential", "steps": workflow}, [f"converted {path} list to sequential workflow"]
    if isinstance(workflow, dict) and "steps" in workflow and "type" not in workflow:
        return {**workflow, "type": "sequential"}, [f"set {path}.type=sequential"]
    return workflow, []
