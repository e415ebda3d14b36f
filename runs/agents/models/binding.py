"""Which provider serves an agent: from the spec's runtime preferences to something that can be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runs.agents.errors import UnsupportedProvider
from runs.agents.models.anthropic import Messages
from runs.agents.models.dummy import DummyProvider
from runs.agents.models.endpoint import ANTHROPIC, CONNECTION_KEYS, OPENAI, Service, endpoint_of
from runs.agents.models.http import HttpProvider, Watch, Wire
from runs.agents.models.openai import ChatCompletions
from runs.agents.models.provider import ModelParams, Provider
from runs.agents.settings import AgentSettings
from specs.language.agent_plan import AgentPlan, ModelPlan

# The names of providers that specs may use, where they are, and what they speak.
SERVED: Mapping[str, tuple[Service, Wire]] = {
    "anthropic": (ANTHROPIC, Messages()),
    "openai": (OPENAI, ChatCompletions()),
    "openai-agents": (OPENAI, ChatCompletions()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """An agent's provider, the runtime mode it was found under, and the parameters it is asked with."""

    mode: str
    provider: Provider
    params: ModelParams


def bind(agent: AgentPlan, settings: AgentSettings, watch: Watch = lambda _attempt, _error: None) -> Binding:
    """Return what serves ``agent``. The fallback mode counts only when nothing serves the preferred one.

    ``watch`` is told of every attempt of a call that fails.

    Raises:
        UnsupportedProvider: nothing serves the modes or the provider that the spec asks for.
        AgentError: the provider exists, but its endpoint or key is not usable; there is no fallback for that.
    """
    for mode in (agent.runtime.preferred_mode, agent.runtime.fallback_mode):
        runtime = RUNTIMES.get(mode or "")
        if mode and runtime:
            return Binding(mode=mode, provider=runtime(agent, settings, watch), params=_params(agent.model))
    message = (
        f"Agent {agent.name!r} prefers the runtime mode {agent.runtime.preferred_mode!r}, which nothing serves here"
    )
    raise UnsupportedProvider(f"{message}; use bridge or native, or set fallback_mode.")


def _bridge(_agent: AgentPlan, _settings: AgentSettings, _watch: Watch) -> Provider:
    """The offline model, whatever model the spec names."""
    return DummyProvider()


def _native(agent: AgentPlan, settings: AgentSettings, watch: Watch) -> Provider:
    name = agent.runtime.native_provider or (agent.model.provider if agent.model else "") or "openai"
    if name not in SERVED:
        message = f"Agent {agent.name!r} asks for the provider {name!r}; served are {', '.join(SERVED)}."
        raise UnsupportedProvider(message)
    service, wire = SERVED[name]
    return HttpProvider(endpoint_of(agent.model, settings, service), settings, wire, watch)


def _params(model: ModelPlan | None) -> ModelParams:
    if model is None:
        return ModelParams()
    extra = {name: value for name, value in model.extra.items() if name not in CONNECTION_KEYS}
    streams = extra.pop("stream", None) is True  # only true says so
    return ModelParams(temperature=model.temperature, max_tokens=model.max_tokens, streams=streams, extra=extra)


RUNTIMES: Mapping[str, Callable[[AgentPlan, AgentSettings, Watch], Provider]] = {"bridge": _bridge, "native": _native}
