"""Whether memory and guardrails could be built: their kinds, what they refer to, and patterns that are none."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import GUARDRAIL_STAGES, AgentSpec
from specs.language.suggesting import did_you_mean

POLICIES = {"full": None, "sliding_window": None, "summary": "summarizer", "retrieval": "retriever"}
"""Each memory policy and the key of what it needs somebody else for."""
TYPES = ("keyword", "regex", "function", "agent")
MAX_PATTERN_CHARS = 500
MOST_CHARS_TRIED = 2_000  # a pattern can be written so that compiling it costs a millisecond per character


def content_findings(spec: Spec) -> Iterator[Finding]:
    """Yield memory and guardrails that could not be built."""
    names = _declared(spec)
    patterns = _Patterns()
    for at, agent in spec.located_agents():
        yield from _memory(agent, (*at, "memory"), names)
        yield from _stages(agent, (*at, "guardrails"))
        for here, item in _guardrails(agent, (*at, "guardrails")):
            yield from _guardrail(item, here, names)
            yield from patterns.findings(item, here)


def _declared(spec: Spec) -> frozenset[str]:
    components = spec.components
    return frozenset({*components.agents, *components.functions, *components.workflows, *spec.tools})


def _memory(agent: AgentSpec, at: Location, names: frozenset[str]) -> Iterator[Finding]:
    policy = (agent.memory or {}).get("policy")
    if not policy:
        return
    if not isinstance(policy, str) or policy not in POLICIES:
        hint = did_you_mean(str(policy), POLICIES, otherwise=f"Possible are: {', '.join(POLICIES)}.")
        yield Finding("E_MEMORY_POLICY", (*at, "policy"), "This memory policy is not known.", hint)
    elif key := POLICIES[policy]:
        yield from _reference((agent.memory or {}).get(key), (*at, key), names)


def _reference(block: object, at: Location, names: frozenset[str]) -> Iterator[Finding]:
    ref = block.get("ref") if isinstance(block, Mapping) else None
    if not isinstance(ref, str) or ref not in names:
        message = f"The memory needs `{at[-1]}.ref` to name an agent or a function that is declared."
        yield Finding("E_MEMORY_REF", at, message, did_you_mean(ref, names) if isinstance(ref, str) else None)


def _stages(agent: AgentSpec, at: Location) -> Iterator[Finding]:
    for stage in agent.guardrails or {}:
        if stage not in GUARDRAIL_STAGES:
            hint = did_you_mean(stage, GUARDRAIL_STAGES, otherwise=f"Stages are: {', '.join(GUARDRAIL_STAGES)}.")
            message = f"There is no guardrail stage {stage!r}; what is in it checks nothing."
            yield Finding("W_GUARDRAIL_STAGE", (*at, stage), message, hint)


def _guardrails(agent: AgentSpec, at: Location) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    for stage in GUARDRAIL_STAGES:
        for index, item in enumerate((agent.guardrails or {}).get(stage) or ()):
            if isinstance(item, Mapping) and item.get("type"):
                yield (*at, stage, index), item


def _guardrail(item: Mapping[str, Any], at: Location, names: frozenset[str]) -> Iterator[Finding]:
    kind, ref = item["type"], item.get("ref")
    if kind not in TYPES:
        hint = did_you_mean(kind, TYPES, otherwise=f"Types are: {', '.join(TYPES)}.")
        yield Finding("E_GUARDRAIL_TYPE", (*at, "type"), "This type of guardrail is not known.", hint)
    elif kind in {"function", "agent"} and (not isinstance(ref, str) or ref not in names):
        message = f"A guardrail of type {kind!r} needs `ref` to name a {kind} that is declared."
        guess = did_you_mean(ref, names) if isinstance(ref, str) else None
        yield Finding("E_GUARDRAIL_REF", (*at, "ref"), message, guess)


class _Patterns:
    """Tries the patterns of one spec, up to a total length: beyond it the document decides how long checking takes."""

    def __init__(self) -> None:
        self._chars = 0

    def findings(self, item: Mapping[str, Any], at: Location) -> Iterator[Finding]:
        """Yield the patterns of the guardrail ``item`` that are none."""
        config = item.get("config")
        patterns = config.get("patterns") if isinstance(config, Mapping) else None
        if item["type"] != "regex" or not isinstance(patterns, list):
            return
        for index, pattern in enumerate(patterns):
            if problem := self._problem(pattern):
                yield Finding("E_GUARDRAIL_PATTERN", (*at, "config", "patterns", index), problem)

    def _problem(self, pattern: object) -> str | None:
        if not isinstance(pattern, str):
            return "A pattern is a text."
        if len(pattern) > MAX_PATTERN_CHARS:
            return f"A pattern has at most {MAX_PATTERN_CHARS} characters."
        self._chars += len(pattern)
        return _pattern_problem(pattern) if self._chars <= MOST_CHARS_TRIED else None


def _pattern_problem(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"This is not a regular expression: {error.msg}."
    except (RecursionError, OverflowError):
        return "This regular expression is too deep or too large."
    return None
