"""Whether the memory of agents could be built: its policy, its numbers, whom it needs, and what it keeps."""

from collections.abc import Iterator, Mapping
from typing import Any

from specs.language.agent_plan import AppendMode, MemoryPolicy
from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec
from specs.language.suggesting import did_you_mean

POLICIES = [policy.value for policy in MemoryPolicy]
HELPERS = {"summary": "summarizer", "retrieval": "retriever"}
APPEND_MODES = [mode.value for mode in AppendMode]
MOST = 10_000


def memory_findings(spec: Spec) -> Iterator[Finding]:
    """Yield memory that could not be built."""
    names = frozenset({*spec.components.agents, *spec.components.functions})
    for at, agent in spec.located_agents():
        yield from _memory(agent, (*at, "memory"), names)
        yield from _append_mode(agent, (*at, "defaults", "append_mode"))


def _memory(agent: AgentSpec, at: Location, names: frozenset[str]) -> Iterator[Finding]:
    memory = agent.memory or {}
    policy = memory.get("policy")
    if not policy:
        return
    if policy not in POLICIES:
        hint = did_you_mean(str(policy), POLICIES, otherwise=f"Possible are: {', '.join(POLICIES)}.")
        yield Finding("E_MEMORY_POLICY", (*at, "policy"), "This memory policy is not known.", hint)
        return
    yield from _fields(memory, at)
    if key := HELPERS.get(policy):
        yield from _reference(memory.get(key), (*at, key), names)


def _fields(memory: Mapping[str, Any], at: Location) -> Iterator[Finding]:
    for key, least in (("max_messages", 0), ("top_k", 1)):
        if key in memory and not _is_whole(memory[key], least):
            yield Finding("E_MEMORY_FIELDS", (*at, key), f"`{key}` is a whole number from {least} to {MOST}.")
    for key in ("preserve_system_messages", "session"):
        if not isinstance(memory.get(key, True), bool):
            yield Finding("E_MEMORY_FIELDS", (*at, key), f"`{key}` is true or false.")


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MOST


def _reference(block: object, at: Location, names: frozenset[str]) -> Iterator[Finding]:
    ref = block.get("ref") if isinstance(block, Mapping) else None
    if not isinstance(ref, str) or ref not in names:
        message = f"The memory needs `{at[-1]}.ref` to name an agent or a function that is declared."
        yield Finding("E_MEMORY_REF", at, message, did_you_mean(ref, names) if isinstance(ref, str) else None)


def _append_mode(agent: AgentSpec, at: Location) -> Iterator[Finding]:
    mode = agent.defaults.get("append_mode")
    if mode is not None and mode not in APPEND_MODES:
        hint = did_you_mean(str(mode), APPEND_MODES, otherwise=f"Possible are: {', '.join(APPEND_MODES)}.")
        message = f"This append mode is not known; agent {agent.name!r} remembers none of its turns."
        yield Finding("W_APPEND_MODE", at, message, hint)
