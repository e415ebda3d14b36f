"""From a spec file to the spec of one environment of a project: overlays, then defaults where the author is silent.

Defaults come after the overlays and only fill in what is absent; a ``null`` is not absent, it says "none". They are
laid under a v1 document whose shorthands are understood, so that they never turn a valid spec into an invalid one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from specs.language.layering import layer
from specs.language.migrating import migrate
from specs.language.project import ProjectConfig
from specs.language.validation.agents import NOT_WITH_AS_AGENT


def resolve(
    base: Mapping[str, Any], overlays: Iterable[Mapping[str, Any]], project: ProjectConfig | None, environment: str
) -> dict[str, Any]:
    """Return the document ``base`` as it is in ``environment`` of ``project``.

    Without a project only the overlays are laid over it. Blocks of a wrong type are left alone.
    """
    layered = layer(base, overlays)
    if project is None:
        return layered
    document = migrate(layered).data
    origin = {"metadata": {"project": project.project.name, "environment": environment}}
    document = _under(document, origin)
    if isinstance(agent := document.get("agent"), dict) and not agent.get("as_agent"):
        document["agent"] = _with_defaults(agent, project, environment)
    document = _under(document, _environment_defaults(document, project, environment))
    return _under(document, {"policies": {"project_defaults": project.policy_defaults.model_dump()}})


def _under(document: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``document`` with what is absent from it filled in from ``defaults``, mapping by mapping."""
    filled = dict(document)
    for key, default in defaults.items():
        if key not in filled:
            filled[key] = default
        elif isinstance(filled[key], dict) and isinstance(default, dict):
            filled[key] = _under(filled[key], default)
    return filled


def _with_defaults(agent: dict[str, Any], project: ProjectConfig, environment: str) -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    if runtime := project.runtime_defaults.stated():
        defaults["runtime_preferences"] = runtime
    model = project.model_defaults.get(environment)
    if model is None:
        return _under(agent, defaults)
    stated = {key: value for key, value in model.stated().items() if value is not None}
    if isinstance(name := agent.get("model"), str):
        return _under(agent | {"model": {"provider": "default"} | stated | {"name": name}}, defaults)
    if "model" in agent or {"provider", "name"} <= set(stated):
        defaults["model"] = stated
    return _under(agent, defaults)


def _environment_defaults(document: Mapping[str, Any], project: ProjectConfig, environment: str) -> dict[str, Any]:
    found = project.environments.get(environment)
    defaults = dict(found.defaults) if found else {}
    agent, of_agent = document.get("agent"), defaults.get("agent")
    if isinstance(agent, dict) and agent.get("as_agent") and isinstance(of_agent, dict):
        defaults["agent"] = {key: value for key, value in of_agent.items() if key not in NOT_WITH_AS_AGENT}
    return defaults
