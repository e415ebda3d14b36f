from typing import Any

import pytest

from runs.agents.errors import AgentError, MissingSecret, ProviderError, SecretNotAllowed, UnsupportedProvider
from runs.agents.models.binding import bind
from specs.language.agent_plan import AgentPlan, ModelPlan, RuntimePlan
from tests.unit.agents.factories import KEY, agent_plan, agent_settings

SETTINGS = agent_settings({"OPENAI_API_KEY": KEY})
LOCAL = "http://127.0.0.1:1/v1"


def agent(model: ModelPlan | None = None, **runtime: str) -> AgentPlan:
    return agent_plan(model=model, runtime=RuntimePlan(**{"preferred_mode": "native"} | runtime))


def model(provider: str = "openai", *, name: str = "small", **extra: object) -> ModelPlan:
    return ModelPlan(provider=provider, name=name, extra=extra)


@pytest.mark.parametrize(
    ("plan", "mode", "provider", "model_name"),
    [
        (agent_plan(), "bridge", "dummy", "dummy"),
        (agent_plan(model=model()), "bridge", "dummy", "dummy"),
        (agent(), "native", "openai", "gpt-4o"),
        (agent(model()), "native", "openai", "small"),
        (agent(model("openai-agents")), "native", "openai", "small"),
        (agent(model("elsewhere"), native_provider="openai"), "native", "openai", "small"),
        (agent(model(name="")), "native", "openai", "gpt-4o"),
        (agent(preferred_mode="adapter", fallback_mode="bridge"), "bridge", "dummy", "dummy"),
        (agent(preferred_mode="adapter", fallback_mode="native"), "native", "openai", "gpt-4o"),
    ],
)
def test_the_runtime_preferences_choose_the_provider(
    plan: AgentPlan, mode: str, provider: str, model_name: str
) -> None:
    binding = bind(plan, SETTINGS)
    assert (binding.mode, binding.provider.name, binding.provider.model) == (mode, provider, model_name)


@pytest.mark.parametrize(
    "plan",
    [
        agent(preferred_mode="adapter"),
        agent(preferred_mode="adapter", fallback_mode="adapter"),
        agent(native_provider="elsewhere"),
        agent(model("elsewhere")),
        agent(native_provider="elsewhere", fallback_mode="bridge"),
    ],
)
def test_what_nothing_serves_is_refused_for_good(plan: AgentPlan) -> None:
    with pytest.raises(UnsupportedProvider) as refusal:
        bind(plan, SETTINGS)
    assert not refusal.value.retriable


def test_only_what_is_not_about_the_connection_becomes_a_parameter() -> None:
    plan = agent(model(base_url=LOCAL, api_key_ref="OPENAI_API_KEY", api_key="literal", top_p=0.5))
    assert bind(plan, SETTINGS).params.extra == {"top_p": 0.5}


@pytest.mark.parametrize(
    ("extra", "environ", "error"),
    [
        ({}, {}, MissingSecret),
        ({}, {"OPENAI_API_KEY": ""}, MissingSecret),
        ({"base_url": LOCAL, "api_key_ref": "OPENAI_API_KEY"}, {}, MissingSecret),
        ({"base_url": LOCAL, "api_key_ref": "OPENAI_API_KEY"}, {"OPENAI_API_KEY": f"{KEY}\nX: y"}, MissingSecret),
        ({"base_url": LOCAL, "api_key": f"{KEY}é"}, {}, MissingSecret),
        ({"base_url": LOCAL, "api_key_ref": "DATABASE_URL"}, {"DATABASE_URL": KEY}, SecretNotAllowed),
        ({"base_url": LOCAL, "api_key_ref": KEY}, {}, SecretNotAllowed),
        ({"base_url": LOCAL, "api_key_ref": ["OPENAI_API_KEY"]}, {"OPENAI_API_KEY": KEY}, SecretNotAllowed),
        ({"base_url": f"http://user:{KEY}@host/v1"}, {}, ProviderError),
        ({"base_url": "file:///etc/passwd"}, {}, ProviderError),
        ({"base_url": "http://"}, {}, ProviderError),
        ({"base_url": "http://host:port/v1"}, {}, ProviderError),
        ({"base_url": 7}, {}, ProviderError),
    ],
)
def test_a_connection_that_cannot_be_made_fails_for_good_and_tells_no_secret(
    extra: dict[str, Any], environ: dict[str, str], error: type[AgentError]
) -> None:
    with pytest.raises(error) as refusal:
        bind(agent(model(**extra)), agent_settings(environ))
    assert not refusal.value.retriable
    assert KEY not in str(refusal.value)


def test_no_key_appears_when_settings_are_printed() -> None:
    assert KEY not in repr(SETTINGS)
