"""What an operator decides about agents, handed in as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Limits and secrets for every agent of this process.

    ``secret_refs`` are the variables of ``environ`` a spec may name as a key. ``retries`` are further attempts of one
    model call, ``timeout_seconds`` bounds each attempt. A ``token_budget`` of 0 is none. ``function_modules`` are the
    dotted prefixes of modules that functions and tools may come from.
    """

    environ: Mapping[str, str] = field(repr=False)
    secret_refs: tuple[str, ...] = ()
    retries: int = 2
    backoff_seconds: float = 0.5
    timeout_seconds: float = 120.0
    token_budget: int = 0
    function_modules: tuple[str, ...] = ()
