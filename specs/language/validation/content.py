"""Whether guardrails and tools could be built: types, whom they ask, patterns that are none, schemas that are none."""

from collections.abc import Iterator, Mapping
from typing import Any

from kneo_project.json_schema import JsonSchema, UnsoundSchema
from kneo_project.patterns import Pattern, UnsoundPattern
from specs.language.agent_plan import GuardrailType
from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.agents import GUARDRAIL_STAGES, AgentSpec
from specs.language.suggesting import did_you_mean

TYPES = [kind.value for kind in GuardrailType]
LISTS = {"keyword": "keywords", "regex": "patterns"}
MAX_PATTERN_CHARS = 500
MOST_CHARS_TRIED = 20_000


def content_findings(spec: Spec) -> Iterator[Finding]:
    """Yield guardrails and tools that could not be built."""
    patterns = _Patterns()
    for at, agent in spec.located_agents():
        yield from _stages(agent, (*at, "guardrails"))
        for here, item in _guardrails(agent, (*at, "guardrails")):
            yield from _guardrail(item, here, spec)
            yield from patterns.findings(item, here)
    for name, tool in spec.tools.items():
        try:
            JsonSchema(tool.parameters)
        except UnsoundSchema as error:
            message = f"The parameters of tool {name!r} are not a JSON Schema that can be applied: {error}."
            yield Finding("E_TOOL_PARAMETERS", ("tools", name, "parameters"), message)
        humans = spec.components.humans
        if tool.approver is not None and tool.approver not in humans:
            message = f"Calls of tool {name!r} are approved by human {tool.approver!r}, which is not declared."
            hint = did_you_mean(tool.approver, humans, otherwise="Declare it under components.humans.")
            yield Finding("E_TOOL_APPROVER_REF", ("tools", name, "approver"), message, hint)


def _stages(agent: AgentSpec, at: Location) -> Iterator[Finding]:
    for stage in agent.guardrails or {}:
        if stage not in GUARDRAIL_STAGES:
            hint = did_you_mean(stage, GUARDRAIL_STAGES, otherwise=f"Stages are: {', '.join(GUARDRAIL_STAGES)}.")
            message = f"There is no guardrail stage {stage!r}; what is in it checks nothing."
            yield Finding("W_GUARDRAIL_STAGE", (*at, stage), message, hint)
    if (agent.guardrails or {}).get("workflow") and at[0] != "agent":
        message = f"The workflow guardrails of agent {agent.name!r} check nothing: only those of the root agent do."
        fix = "Move them to `agent.guardrails.workflow`, or to the stage `output` of this agent."
        yield Finding("W_GUARDRAIL_STAGE", (*at, "workflow"), message, fix)


def _guardrails(agent: AgentSpec, at: Location) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    for stage in GUARDRAIL_STAGES:
        for index, item in enumerate((agent.guardrails or {}).get(stage) or ()):
            if isinstance(item, Mapping) and item.get("type"):
                yield (*at, stage, index), item


def _guardrail(item: Mapping[str, Any], at: Location, spec: Spec) -> Iterator[Finding]:
    kind, ref = item["type"], item.get("ref")
    if kind not in TYPES:
        hint = did_you_mean(str(kind), TYPES, otherwise=f"Types are: {', '.join(TYPES)}.")
        yield Finding("E_GUARDRAIL_TYPE", (*at, "type"), "This type of guardrail is not known.", hint)
        return
    if kind in {"function", "agent"}:
        declared = spec.components.functions if kind == "function" else spec.components.agents
        if not isinstance(ref, str) or ref not in declared:
            message = f"A guardrail of type {kind!r} needs `ref` to name a {kind} that is declared."
            guess = did_you_mean(ref, declared) if isinstance(ref, str) else None
            yield Finding("E_GUARDRAIL_REF", (*at, "ref"), message, guess)
    yield from _config(item, (*at, "config"))


def _config(item: Mapping[str, Any], at: Location) -> Iterator[Finding]:
    config, key = item.get("config"), LISTS.get(item["type"])
    if config is not None and not isinstance(config, Mapping):
        yield Finding("E_GUARDRAIL_CONFIG", at, "The `config` of a guardrail is a mapping.")
    elif key and not _are_texts((config or {}).get(key)):
        yield Finding("E_GUARDRAIL_CONFIG", (*at, key), f"`{key}` is a list of texts.")


def _are_texts(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(each, str) and each for each in value))


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
            if isinstance(pattern, str) and (problem := self._problem(pattern)):
                yield Finding("E_GUARDRAIL_PATTERN", (*at, "config", "patterns", index), problem)

    def _problem(self, pattern: str) -> str | None:
        self._chars += len(pattern)
        if len(pattern) > MAX_PATTERN_CHARS:
            return f"A pattern has at most {MAX_PATTERN_CHARS} characters."
        if self._chars > MOST_CHARS_TRIED:
            return f"All patterns of a spec together have at most {MOST_CHARS_TRIED} characters."
        try:
            Pattern(pattern)
        except UnsoundPattern as error:
            return f"This is not a regular expression of RE2: {error}."
        return None
