"""Memory and guardrails of agents: free-form blocks of which a few keys matter."""

from collections.abc import Iterator, Mapping

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import GUARDRAIL_STAGES

COMMON_ACTIONS = frozenset({"warn", "block", "retry", "escalate", "human_review"})
ACTIONS = {
    "input": COMMON_ACTIONS,
    "output": COMMON_ACTIONS | {"revise"},
    "tool": COMMON_ACTIONS | {"revise", "redact"},
    "workflow": COMMON_ACTIONS | {"revise", "redact"},
}


def memory_and_guardrail_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what the memory and the guardrails of each agent lack or cannot do."""
    for at, agent in spec.located_agents():
        if agent.memory and not agent.memory.get("policy"):
            message = f"The memory of agent {agent.name!r} needs a `policy`."
            yield Finding("E_MEMORY_POLICY_REQUIRED", (*at, "memory", "policy"), message)
        for stage in GUARDRAIL_STAGES:
            for index, item in enumerate((agent.guardrails or {}).get(stage) or ()):
                yield from _guardrail(item, (*at, "guardrails", stage, index), stage)


def _guardrail(item: object, at: Location, stage: str) -> Iterator[Finding]:
    if not isinstance(item, Mapping):
        yield Finding("E_GUARDRAIL_FIELDS", at, "A guardrail is a mapping with at least `id` and `type`.")
        return
    for field in ("id", "type"):
        if not item.get(field):
            yield Finding("E_GUARDRAIL_FIELDS", (*at, field), f"A guardrail needs `{field}`.")
    if item.get("mode", "middleware") != "middleware":
        yield Finding("E_GUARDRAIL_MODE_UNSUPPORTED", (*at, "mode"), "The only mode of a guardrail is `middleware`.")
    if item.get("action", "block") not in ACTIONS[stage]:
        hint = f"Possible are: {', '.join(sorted(ACTIONS[stage]))}."
        message = f"A guardrail of stage {stage!r} cannot take this action."
        yield Finding("E_GUARDRAIL_ACTION_UNSUPPORTED", (*at, "action"), message, hint)
