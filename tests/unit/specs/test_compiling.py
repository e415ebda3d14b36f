"""From a document to a plan; and what is refused before a run exists."""

from typing import Any

import pytest

from specs.language.agent_plan import (
    AgentPlan,
    AppendMode,
    GuardrailAction,
    GuardrailPlan,
    GuardrailType,
    McpServerPlan,
    MemoryPlan,
    MemoryPolicy,
    ModelPlan,
    RuntimePlan,
    Stage,
    StrategyPlan,
    ToolPlan,
)
from specs.language.compiling import compile_plan
from specs.language.diagnostics import CompileError
from specs.language.parsing import load
from specs.language.plan import (
    FunctionPlan,
    HumanPlan,
    OnError,
    OnReject,
    OnTimeout,
    Plan,
    RequestType,
    StepKind,
    StepPlan,
)
from tests.corpus import ROOT, verdicts
from tests.unit.specs.factories import ONE_AGENT, document, marks, sequential, step

VERDICTS = verdicts()
DESK = {
    "components": {
        "agents": {"one": {"name": "one"}, "desk": {"name": "desk", "as_agent": "w"}},
        "humans": {"boss": {}},
        "workflows": {
            "w": {"type": "sequential", "steps": [step(), step("in", kind="workflow", ref="deep")]},
            "deep": {"type": "sequential", "steps": [step("ask", kind="human", ref="boss")]},
        },
    }
}


def refusals(data: dict[str, Any]) -> list[tuple[str, str | None]]:
    with pytest.raises(CompileError) as caught:
        compile_plan(data)
    return marks([*caught.value.diagnostics])


def test_the_smallest_document_is_a_plan_with_an_agent() -> None:
    assert compile_plan(document()) == Plan(agent=AgentPlan(name="root"))


def test_everything_about_an_agent_reaches_the_plan() -> None:
    agent = {
        "name": "root",
        "description": "d",
        "system_prompt": "p",
        "model": {"provider": "openai", "name": "m", "temperature": 0.5, "max_tokens": 9, "extra": {"top_p": 1}},
        "strategy": {"type": "react", "max_iterations": 3, "stop_on_tool_error": True},
        "runtime_preferences": {"preferred_mode": "native", "fallback_mode": "bridge", "native_provider": "openai"},
    }

    assert compile_plan(document(agent=agent)).agent == AgentPlan(
        name="root",
        description="d",
        system_prompt="p",
        model=ModelPlan(provider="openai", name="m", temperature=0.5, max_tokens=9, extra={"top_p": 1}),
        strategy=StrategyPlan(type="react", is_declared=True, max_iterations=3, stop_on_tool_error=True),
        runtime=RuntimePlan(preferred_mode="native", fallback_mode="bridge", native_provider="openai"),
    )


def test_a_bare_model_name_is_a_model_of_the_default_provider() -> None:
    model = compile_plan(document(agent={"name": "root", "model": "m"})).agent.model

    assert model == ModelPlan(provider="default", name="m")


def test_everything_about_a_step_reaches_the_plan() -> None:
    careful = step("a", on_error="fallback", fallback_ref="b", max_retries=2, timeout_seconds=9)

    workflow = compile_plan(sequential(careful, step("b"))).workflow

    assert workflow is not None
    assert workflow.steps == (
        StepPlan(
            id="a",
            kind=StepKind.AGENT,
            ref="one",
            on_error=OnError.FALLBACK,
            fallback="b",
            max_retries=2,
            timeout_seconds=9,
        ),
        StepPlan(id="b", kind=StepKind.AGENT, ref="one"),
    )


def test_limits_of_nothing_and_less_are_no_limits() -> None:
    human = {"boss": {"timeout_seconds": 0}}
    plan = compile_plan(sequential(step(timeout_seconds=-1, max_retries=-2), components={"humans": human}))

    assert plan.workflow is not None
    assert plan.workflow.steps == (StepPlan(id="s", kind=StepKind.AGENT, ref="one"),)
    assert plan.humans["boss"].timeout_seconds is None


def test_disabled_steps_vanish_also_as_fallbacks() -> None:
    workflow = compile_plan(sequential(step("a", fallback_ref="b"), step("b", enabled=False))).workflow

    assert workflow is not None
    assert [(each.id, each.fallback) for each in workflow.steps] == [("a", None)]


def test_a_workflow_has_a_name_of_its_own_or_that_of_its_shape() -> None:
    named = document(
        workflow={"type": "sequential", "name": "n", "description": "d", "steps": [step()]}, components=ONE_AGENT
    )

    for data, name, description in ((named, "n", "d"), (sequential(step()), "sequential-workflow", "")):
        workflow = compile_plan(data).workflow
        assert workflow is not None
        assert (workflow.name, workflow.description) == (name, description)


def test_everything_about_a_question_reaches_the_plan() -> None:
    human = {
        "description": "Sign here",
        "assignee": "boss",
        "timeout_seconds": 60,
        "on_timeout": "escalate",
        "on_reject": "fail",
        "request_type": "selection",
        "options": ["a", "b"],
        "default_option": "a",
        "context": {"limit": 5},
        "response_role": "user",
    }

    assert compile_plan(document(components={"humans": {"h": human}})).humans["h"] == HumanPlan(
        title="Sign here",
        prompt="Sign here",
        assignee="boss",
        timeout_seconds=60,
        on_timeout=OnTimeout.ESCALATE,
        on_reject=OnReject.FAIL,
        request_type=RequestType.SELECTION,
        options=("a", "b"),
        default_option="a",
        context={"limit": 5},
        response_role="user",
    )


def test_a_question_without_words_gets_fixed_ones() -> None:
    assert compile_plan(document(components={"humans": {"h": {}}})).humans["h"] == HumanPlan()


def test_components_keep_their_order() -> None:
    functions = {name: {"implementation": f"acme.{name}"} for name in ("z", "a")}

    assert list(compile_plan(document(components={"functions": functions})).functions.items()) == [
        ("z", FunctionPlan(implementation="acme.z")),
        ("a", FunctionPlan(implementation="acme.a")),
    ]


def test_a_document_with_errors_is_refused_with_them() -> None:
    assert refusals(sequential(step(ref="ghost"))) == [("E_STEP_AGENT_REF", "workflow.steps[0].ref")]


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (sequential(), ("E_WORKFLOW_EMPTY", "workflow.steps")),
        (sequential(step(enabled=False)), ("E_WORKFLOW_EMPTY", "workflow.steps")),
        (document(agent={"name": " "}), ("E_AGENT_NAME", "agent.name")),
        (
            document(components={"functions": {"f": {"implementation": "acme.run:main"}}}),
            ("E_FUNCTION_PATH", "components.functions.f.implementation"),
        ),
        (sequential(step(timeout_seconds=10**12)), ("E_LIMIT", "workflow.steps[0].timeout_seconds")),
        (
            document(components={"humans": {"h": {"timeout_seconds": 10**12}}}),
            ("E_LIMIT", "components.humans.h.timeout_seconds"),
        ),
        (document(agent={"name": "x" * 256}), ("E_LIMIT", "agent.name")),
        (sequential(step(id="x" * 256)), ("E_LIMIT", "workflow.steps[0].id")),
        (
            document(
                workflow={"type": "sequential", "name": "x" * 256, "steps": [step(kind="human", ref="h")]},
                components={"humans": {"h": {}}},
            ),
            ("E_LIMIT", "workflow.name"),
        ),
        (document(components={"signals": {"x" * 256: {}}}), ("E_LIMIT", f"components.signals.{'x' * 256}")),
    ],
)
def test_what_no_run_could_do_anything_with_is_refused(data: dict[str, Any], refusal: tuple[str, str]) -> None:
    assert refusals(data) == [refusal]


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (
            document(agent={"name": "r", "tools": ["t"]}, tools={"t": {"description": "d", "agent": "desk"}}) | DESK,
            "agent.tools",
        ),
        (
            document(agent={"name": "r", "memory": {"policy": "summary", "summarizer": {"ref": "desk"}}}) | DESK,
            "agent.memory.summarizer",
        ),
        (
            document(agent={"name": "r", "guardrails": {"input": [{"id": "g", "type": "agent", "ref": "desk"}]}})
            | DESK,
            "agent.guardrails.input[0]",
        ),
    ],
)
def test_a_workflow_that_waits_for_people_cannot_be_asked_in_the_middle_of_a_turn(
    data: dict[str, Any], path: str
) -> None:
    assert refusals(data) == [("E_UNSUPPORTED", path)]


def test_everything_about_tools_memory_and_guardrails_reaches_the_plan() -> None:
    guardrails = {
        "input": [{"id": "no-pay", "type": "keyword", "action": "warn", "config": {"keywords": ["pay"]}}],
        "output": [{"id": "card", "type": "regex", "config": {"patterns": ["[0-9]{16}"]}}],
        "workflow": [{"id": "tone", "type": "agent", "ref": "one", "action": "revise"}],
    }
    permissions = {"allowed_domains": ["acme.example"], "denied_domains": ["evil.example"]}
    agent = {
        "name": "root",
        "tools": {"include": ["t", "w"], "permissions": permissions},
        "memory": {"policy": "summary", "summarizer": {"ref": "one"}},
        "guardrails": guardrails,
        "defaults": {"append_mode": "user_only"},
    }
    tools = {"t": {"description": "d", "implementation": "acme.t"}, "w": {"description": "d", "mcp": {"server": "m"}}}
    servers = {"m": {"transport": "stdio", "command": "serve"}}

    plan = compile_plan(document(agent=agent, tools=tools, mcp_servers=servers, components=ONE_AGENT))

    assert plan.agent == AgentPlan(
        name="root",
        tools=("t", "w"),
        allowed_domains=("acme.example",),
        denied_domains=("evil.example",),
        memory=MemoryPlan(policy=MemoryPolicy.SUMMARY, ref="one"),
        guardrails={
            Stage.INPUT: (
                GuardrailPlan(id="no-pay", type=GuardrailType.KEYWORD, action=GuardrailAction.WARN, keywords=("pay",)),
            ),
            Stage.OUTPUT: (GuardrailPlan(id="card", type=GuardrailType.REGEX, patterns=("[0-9]{16}",)),),
            Stage.WORKFLOW: (
                GuardrailPlan(id="tone", type=GuardrailType.AGENT, action=GuardrailAction.REVISE, ref="one"),
            ),
        },
        append_mode=AppendMode.USER_ONLY,
    )
    assert plan.tools == {
        "t": ToolPlan(name="t", description="d", implementation="acme.t"),
        "w": ToolPlan(name="w", description="d", parameters={"type": "object"}, mcp_server="m", remote_name="w"),
    }
    assert plan.mcp_servers == {"m": McpServerPlan(transport="stdio", command="serve")}


def test_an_append_mode_that_is_not_known_keeps_nothing() -> None:
    agent = {"name": "root", "defaults": {"append_mode": ["auto"]}}

    assert compile_plan(document(agent=agent)).agent.append_mode is AppendMode.NEVER


@pytest.mark.parametrize(
    ("data", "recurring"),
    [
        (sequential(step("a")), set()),
        (sequential(step("a"), step("b")), {"one"}),
        (sequential(step("a", on_error="fallback", fallback_ref="b"), step("b", ref="two")), {"two"}),
        (
            sequential(
                step(kind="workflow", ref="w"),
                components={"workflows": {"w": {"type": "sequential", "steps": [step()]}}},
            ),
            {"one"},
        ),
    ],
)
def test_it_is_known_which_agents_may_have_several_turns(data: dict[str, Any], recurring: set[str]) -> None:
    data["components"]["agents"] = {"one": {"name": "one"}, "two": {"name": "two"}}

    assert compile_plan(data).recurring == recurring


def test_a_disabled_step_of_an_unsupported_kind_changes_nothing() -> None:
    assert compile_plan(sequential(step("g", "guardrail", enabled=False), step())).workflow is not None


@pytest.mark.parametrize("name", [name for name in VERDICTS if name.startswith("valid/")])
def test_a_valid_file_of_the_corpus_compiles(name: str) -> None:
    document = load((ROOT / name).read_text(), name=name)

    plan, told = compile_plan(document.data), VERDICTS[name]["compile"]
    assert plan.agent.name == told.get("root_agent") or not told["ok"]


SKILL = {"instructions": "Do triage.", "defaults": {"temperature": 0.3, "max_iterations": 4}}


def test_a_skill_adds_its_instructions_and_its_defaults() -> None:
    agent = {"name": "r", "system_prompt": "Be kind.", "model": "m", "skills": ["s", "s", "t"]}
    skills = {"s": SKILL, "t": {"instructions": "Then rest.", "defaults": {}}}
    data = document(agent=agent, skills={"s": {"source": "s"}, "t": {"source": "t"}})

    plan = compile_plan(data, skills=skills).agent

    assert plan.system_prompt == "Be kind.\n\nDo triage.\n\nThen rest."
    assert plan.model is not None
    assert (plan.model.temperature, plan.strategy.max_iterations) == (0.3, 4)


def test_what_the_spec_says_counts_more_than_a_skill() -> None:
    model = {"provider": "p", "name": "m", "temperature": 0.9}
    agent = {"name": "r", "model": model, "strategy": {"type": "react", "max_iterations": 2}, "skills": ["s"]}

    plan = compile_plan(document(agent=agent, skills={"s": {"source": "s"}}), skills={"s": SKILL}).agent

    assert plan.model is not None
    assert (plan.model.temperature, plan.strategy.max_iterations) == (0.9, 2)
