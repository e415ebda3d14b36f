"""Values that the tests of agents are about, with defaults that do not matter to them."""

from collections.abc import Mapping
from typing import Any

from runs.agents.answering import Agents
from runs.agents.context import StepContext
from runs.agents.diary import Diary
from runs.agents.interrupt import Interrupt
from runs.agents.journal import Journal, forgetful
from runs.agents.settings import AgentSettings
from runs.agents.tools.mcp_sessions import McpSessions
from specs.language.agent_plan import AgentPlan, ModelPlan, RuntimePlan, StrategyPlan
from specs.language.plan import Plan

KEY = "sk-test-0123456789abcdef"


def step_context(interrupt: Interrupt | None = None) -> StepContext:
    return StepContext(run_id="run-1", step_path="draft", iteration=1, attempt=1, interrupt=interrupt or Interrupt())


def agent_settings(environ: Mapping[str, str] | None = None, **settings: Any) -> AgentSettings:
    defaults: dict[str, Any] = {"secret_refs": ("OPENAI_API_KEY",), "retries": 0, "backoff_seconds": 0.001}
    return AgentSettings(environ=environ or {}, **(defaults | settings))


def agents(
    plan: Plan | None = None,
    *,
    interrupt: Interrupt | None = None,
    diary: Diary | None = None,
    journal: Journal | None = None,
    environ: Mapping[str, str] | None = None,
    **settings: Any,
) -> Agents:
    """The agents of ``plan``, under settings for tests."""
    known = plan or Plan(agent=agent_plan())
    chosen = agent_settings(environ, **settings)
    return Agents(
        plan=known,
        settings=chosen,
        context=step_context(interrupt),
        diary=diary or Diary(),
        journal=journal or forgetful(),
        sessions=McpSessions(known.mcp_servers, chosen),
    )


def agent_plan(strategy: str = "simple", *, max_iterations: int | None = None, **plan: Any) -> AgentPlan:
    return AgentPlan(name="writer", strategy=StrategyPlan(type=strategy, max_iterations=max_iterations), **plan)


def served_agent(
    base_url: str, strategy: str = "simple", *, max_iterations: int | None = None, **fields: Any
) -> AgentPlan:
    """An agent whose model is served at ``base_url``; ``fields`` are those of its model, or else its own."""
    model = {name: value for name, value in fields.items() if name in ModelPlan.__slots__}
    plan = {name: value for name, value in fields.items() if name not in model}
    extra = {"base_url": base_url} | model.pop("extra", {})
    return agent_plan(
        strategy,
        max_iterations=max_iterations,
        system_prompt="Be brief.",
        model=ModelPlan(provider="openai", name="small", extra=extra, **model),
        runtime=RuntimePlan(preferred_mode="native"),
        **plan,
    )
