"""Agents: skills, runtime, model, and agents that are workflows."""

from collections.abc import Iterator

from specs.language.diagnostics import Finding
from specs.language.schema import Spec
from specs.language.suggesting import did_you_mean

LOOPING = {"react", "plan-act"}
NOT_WITH_AS_AGENT = (
    "model",
    "strategy",
    "runtime_preferences",
    "tools",
    "skills",
    "memory",
    "guardrails",
    "history",
    "middleware",
    "defaults",
)


def skill_findings(spec: Spec) -> Iterator[Finding]:
    """Yield the skills that agents use and nobody declares."""
    for at, agent in spec.located_agents():
        for skill in agent.skills:
            if skill not in spec.skills:
                message = f"Skill {skill!r} of agent {agent.name!r} is not declared."
                hint = did_you_mean(skill, spec.skills, otherwise="Declare it under skills.")
                yield Finding("E_SKILL_REF", (*at, "skills"), message, hint)


def runtime_findings(spec: Spec) -> Iterator[Finding]:
    """Yield runtime preferences that contradict each other or lack something."""
    for at, agent in spec.located_agents():
        preferences = agent.runtime_preferences
        if preferences is None:
            continue
        here = (*at, "runtime_preferences")
        for field, code in (
            ("preferred_mode", "E_RUNTIME_PREFERRED_NOT_ALLOWED"),
            ("fallback_mode", "E_RUNTIME_FALLBACK_NOT_ALLOWED"),
        ):
            mode = getattr(preferences, field)
            if mode and preferences.allowed_modes and mode not in preferences.allowed_modes:
                hint = f"Allowed are: {', '.join(preferences.allowed_modes)}."
                yield Finding(code, (*here, field), f"The {field} {mode!r} is not among the allowed modes.", hint)
        if preferences.preferred_mode == "native" and not preferences.native_provider:
            message = f"Agent {agent.name!r} prefers the native mode and names no `native_provider`."
            yield Finding("W_RUNTIME_NATIVE_PROVIDER", (*here, "native_provider"), message)
        if preferences.preferred_mode == "adapter" and not preferences.adapter_ref:
            message = f"Agent {agent.name!r} prefers the adapter mode and names no `adapter_ref`."
            yield Finding("W_RUNTIME_ADAPTER_REF", (*here, "adapter_ref"), message)


def model_findings(spec: Spec) -> Iterator[Finding]:
    """Yield the agents whose strategy needs a model they do not have."""
    for at, agent in spec.located_agents():
        if agent.strategy is not None and agent.strategy.type in LOOPING and agent.model is None:
            message = f"Agent {agent.name!r} uses the strategy {agent.strategy.type!r} without a model."
            yield Finding("W_AGENT_MODEL", (*at, "model"), message, "Add a model.")


def as_agent_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what is wrong with agents that are backed by a workflow."""
    for at, agent in spec.located_agents():
        if not agent.as_agent:
            continue
        if extra := [field for field in NOT_WITH_AS_AGENT if getattr(agent, field)]:
            message = f"Agent {agent.name!r} is a workflow, so it cannot have: {', '.join(extra)}."
            yield Finding("E_AS_AGENT_FIELDS", at, message, "Keep name, description, system_prompt and as_agent.")
        if agent.as_agent not in spec.components.workflows:
            message = f"Agent {agent.name!r} is workflow {agent.as_agent!r}, which is not declared."
            hint = did_you_mean(agent.as_agent, spec.components.workflows)
            yield Finding("E_AS_AGENT_UNKNOWN_WORKFLOW", (*at, "as_agent"), message, hint)
