"""The part of the plan that is about agents: models, tools, guardrails, memory. Values only, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class MemoryPolicy(StrEnum):
    """What an agent is told of its earlier turns in the run."""

    FULL = "full"
    SLIDING_WINDOW = "sliding_window"
    SUMMARY = "summary"
    RETRIEVAL = "retrieval"


class AppendMode(StrEnum):
    """Which of an agent's turns it is told when it has another one in the same run."""

    AUTO = "auto"
    NEVER = "never"
    USER_ONLY = "user_only"
    ASSISTANT_ONLY = "assistant_only"


class Stage(StrEnum):
    """Which texts a guardrail looks at: what an agent is asked, answers, hears of its tools; what each step gives."""

    INPUT = "input"
    OUTPUT = "output"
    TOOL = "tool"
    WORKFLOW = "workflow"


class Approval(StrEnum):
    """When a person is asked before a tool is called: for agents with privileges, always, or never."""

    NEVER = "never"
    PRIVILEGED = "privileged"
    ALWAYS = "always"


class GuardrailType(StrEnum):
    """How a guardrail judges a text."""

    KEYWORD = "keyword"
    REGEX = "regex"
    FUNCTION = "function"
    AGENT = "agent"


class GuardrailAction(StrEnum):
    """What follows when a text does not pass."""

    WARN = "warn"
    BLOCK = "block"
    RETRY = "retry"
    REVISE = "revise"
    REDACT = "redact"
    ESCALATE = "escalate"
    HUMAN_REVIEW = "human_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlan:
    """Which model an agent talks to, and with which parameters."""

    provider: str
    name: str
    temperature: float | None = None
    max_tokens: int | None = None
    token_budget: int | None = None
    timeout_seconds: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPlan:
    """How an agent loops: ``simple``, ``react`` or ``plan-act``. ``is_declared`` tells the spec's from the default."""

    type: str = "simple"
    is_declared: bool = False
    max_iterations: int | None = None
    stop_on_tool_error: bool = False
    parallel_tool_calls: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimePlan:
    """Which runtime serves the agent (the spec's ``runtime_preferences``)."""

    preferred_mode: str = "bridge"
    fallback_mode: str | None = None
    native_provider: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """How much an agent remembers. ``ref`` names the agent or function that summarises or retrieves.

    With ``session`` it is also told of its turns in earlier runs of the same session.
    """

    policy: MemoryPolicy = MemoryPolicy.FULL
    max_messages: int = 20
    preserve_system_messages: bool = True
    ref: str | None = None
    top_k: int = 5
    session: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailPlan:
    """One check of a text. ``keywords`` and ``patterns`` belong to their types, ``ref`` to functions and agents."""

    id: str
    type: GuardrailType
    action: GuardrailAction = GuardrailAction.BLOCK
    keywords: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlan:
    """One agent. ``tools`` are those it may call; URLs in their arguments must lie in the domains.

    ``is_privileged`` tells that its tools may use a shell, write files, or reach any host.
    """

    name: str
    description: str | None = None
    system_prompt: str | None = None
    model: ModelPlan | None = None
    strategy: StrategyPlan = StrategyPlan()
    runtime: RuntimePlan = RuntimePlan()
    as_agent: str | None = None
    tools: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    denied_domains: tuple[str, ...] = ()
    memory: MemoryPlan = MemoryPlan()
    guardrails: Mapping[Stage, tuple[GuardrailPlan, ...]] = field(default_factory=dict)
    append_mode: AppendMode = AppendMode.AUTO
    is_privileged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServerPlan:
    """A server of tools. ``command`` belongs to the transport ``stdio``, the addresses to the others.

    ``env_refs`` and ``header_refs`` name secrets of the service for variables and headers, ``client_key_ref`` names one
    that is the key of ``client_cert``, or the file that holds it.
    """

    transport: str
    command: str | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    env_refs: Mapping[str, str] = field(default_factory=dict)
    header_refs: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float | None = None
    max_response_bytes: int | None = None
    verify: bool = True
    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    client_key_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpToolPlan:
    """A request that a tool makes. ``url`` and the values of ``query`` are templates (see ``web_addresses``).

    ``header_refs`` name secrets of the service, which are sent to the host of ``url`` only. ``allowed_domains`` are
    where redirects may lead, and where an address may lie that is an argument as a whole.
    """

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    header_refs: Mapping[str, str] = field(default_factory=dict)
    allowed_domains: tuple[str, ...] = ()
    timeout_seconds: float = 30.0
    max_response_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPlan:
    """What an agent can call: a function, an agent, the tool ``remote_name`` of an MCP server, or a service by HTTP.

    ``parameters`` is the JSON Schema of its arguments. ``retry_unsafe`` tells that a call must never be made twice.
    ``approver`` is the human component that says who approves a call, and may change its arguments if
    ``edit_arguments``.
    """

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    implementation: str | None = None
    agent: str | None = None
    mcp_server: str | None = None
    remote_name: str | None = None
    http: HttpToolPlan | None = None
    retry_unsafe: bool = False
    approval: Approval = Approval.NEVER
    approver: str | None = None
    edit_arguments: bool = False
