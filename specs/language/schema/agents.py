"""Agents: model, strategy, runtime, tools they may use, guardrails."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from specs.language.schema.block import Block, FreeForm

type RuntimeMode = Literal["bridge", "native", "adapter"]

GUARDRAIL_STAGES = ("input", "output", "tool", "workflow")


class ModelSpec(Block):
    """Which model answers, and how."""

    provider: str
    name: str
    temperature: float | None = None
    max_tokens: int | None = None
    token_budget: Annotated[int, Field(gt=0)] | None = None
    timeout_seconds: int | None = None
    extra: FreeForm = {}


class StrategySpec(Block):
    """How an agent loops."""

    type: Literal["simple", "react", "plan-act"]
    max_iterations: int | None = None
    stop_on_tool_error: bool | None = None
    parallel_tool_calls: bool | None = None


class RuntimePreferences(Block):
    """Which runtime serves the agent."""

    preferred_mode: RuntimeMode | None = None
    allowed_modes: list[RuntimeMode] | None = None
    fallback_mode: RuntimeMode | None = None
    native_provider: str | None = None
    adapter_ref: str | None = None
    bridge_provider: str | None = None


class ToolPermissions(Block):
    """What an agent's tools may reach."""

    allow_network: bool | None = None
    allow_filesystem_read: bool | None = None
    allow_filesystem_write: bool | None = None
    allow_shell: bool | None = None
    allowed_domains: list[str] = []
    denied_domains: list[str] = []


class ToolSelection(Block):
    """Which tools an agent sees."""

    include: list[str] = []
    exclude: list[str] = []
    permissions: ToolPermissions | None = None


def _stages_are_collections(guardrails: FreeForm) -> FreeForm:
    for stage in GUARDRAIL_STAGES:
        items = guardrails.get(stage)
        if items is not None and not isinstance(items, list | dict):
            raise ValueError(f"has a stage `{stage}` that is not a list of guardrails")
        if any(_has_composite_action(item) for item in items or ()):
            raise ValueError(f"has an `action` in stage `{stage}` that is not a word")
    return guardrails


_STAGES = {
    "properties": {
        stage: {
            "type": ["array", "object", "null"],
            "items": {"properties": {"action": {"not": {"type": ["array", "object"]}}}},
        }
        for stage in GUARDRAIL_STAGES
    }
}
Guardrails = Annotated[dict[str, Any], AfterValidator(_stages_are_collections), Field(json_schema_extra=_STAGES)]


def _has_composite_action(item: object) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("action"), list | dict)


class AgentSpec(Block):
    """One agent."""

    name: str
    description: str | None = None
    system_prompt: str | None = None
    model: ModelSpec | None = None
    strategy: StrategySpec | None = None
    runtime_preferences: RuntimePreferences | None = None
    history: FreeForm | None = None
    memory: FreeForm | None = None
    guardrails: Guardrails | None = None
    tools: ToolSelection | None = None
    skills: list[str] = []
    middleware: list[str] = []
    defaults: FreeForm = {}
    as_agent: str | None = None
