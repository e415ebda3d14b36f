"""What an operator decides about agents, handed in as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kneo_project.prices import Price
from runs.agents.models.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Limits and secrets for every agent of this process.

    ``secret_refs`` are the variables of ``environ`` a spec may name as a key, ``model_hosts`` the domains on which
    models may be served (none: all). ``retries`` are further attempts of one model call, ``timeout_seconds`` bounds
    each, ``limits`` are those of each endpoint. A ``token_budget`` of 0 is none; ``prices`` are those of models.
    ``function_modules`` are the dotted prefixes of modules that functions and tools may come from, ``mcp_commands`` the
    commands that specs may start as MCP servers, ``http_private_hosts`` the hosts outside the public network that tools
    may reach. The other ``mcp_…`` are further attempts of a call, and how long to wait (None: by default).
    """

    environ: Mapping[str, str] = field(repr=False)
    secret_refs: tuple[str, ...] = ()
    allows_literal_keys: bool = True
    model_hosts: tuple[str, ...] = ()
    retries: int = 2
    backoff_seconds: float = 0.5
    retry_on_timeout: bool = True
    timeout_seconds: float = 120.0
    token_budget: int = 0
    prices: tuple[Price, ...] = ()
    function_modules: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    mcp_commands: tuple[str, ...] = ()
    mcp_retries: int = 0
    mcp_retry_backoff_seconds: float = 0.0
    mcp_retry_on_timeout: bool = False
    mcp_timeout_seconds: float | None = None
    mcp_connect_timeout_seconds: float | None = None
    http_private_hosts: tuple[str, ...] = ()
