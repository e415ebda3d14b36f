"""From the shorthands of v1 to its full form. Nothing is changed in place; wrong types are left to the schema."""

from collections.abc import Mapping
from typing import Any


def normalise(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the v1 document ``data`` with every shorthand written out."""
    full = dict(data)
    if "agent" in full:
        full["agent"] = _agent(full["agent"])
    if "workflow" in full:
        full["workflow"] = _root_workflow(full["workflow"])
    components = full.get("components")
    if isinstance(components, dict) and isinstance(components.get("agents"), dict):
        agents = {name: _agent(agent) for name, agent in components["agents"].items()}
        full["components"] = {**components, "agents": agents}
    return full


def with_environment(data: Mapping[str, Any], environment: str | None) -> dict[str, Any]:
    """Return ``data`` with ``metadata.environment`` set to ``environment``, unless the author has set it."""
    stamped = dict(data)
    metadata = data.get("metadata")
    if environment is not None and (metadata is None or isinstance(metadata, dict)):
        stamped["metadata"] = {"environment": environment} | (metadata or {})
    return stamped


def _agent(agent: object) -> object:
    if not isinstance(agent, dict):
        return agent
    full = dict(agent)
    if isinstance(model := full.get("model"), str):
        full["model"] = {"name": model, "provider": "default"}
    if isinstance(strategy := full.get("strategy"), str):
        full["strategy"] = {"type": strategy}
    if isinstance(tools := full.get("tools"), list):
        full["tools"] = {"include": tools}
    return full


def _root_workflow(workflow: object) -> object:
    if not isinstance(workflow, dict) or workflow.get("type") != "sequential" or "steps" not in workflow:
        return workflow
    steps = workflow["steps"] if workflow["steps"] is not None else []
    return {**workflow, "steps": [_step(step) for step in steps] if isinstance(steps, list) else steps}


def _step(step: object) -> object:
    return {"id": step, "kind": "agent", "ref": step} if isinstance(step, str) else step
