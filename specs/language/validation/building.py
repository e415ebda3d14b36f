"""What matches the language and still could not be built or run; the published system finds out later, or never."""

from collections.abc import Iterator
from itertools import chain

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.workflows import ConditionSpec, GraphSpec, HandoffSpec, StepSpec
from specs.language.suggesting import did_you_mean
from specs.language.validation.governance import is_unsafe_import
from specs.language.validation.steps import located_steps

DECISIONS = ("approved", "rejected", "edited", "selected", "provided")
TEXT_CONDITIONS = frozenset({"output_contains", "output_equals", "status_is"})
WHERE_STEPS_ARE = {"sequential": "steps", "graph": "nodes", "map": "step"}
LIMITS = ("max_retries", "timeout_seconds")


def building_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what could not be built: names, imports, workflows, steps, conditions."""
    yield from chain(_agents(spec), _imports(spec), _workflows(spec), _conditions(spec))


def _agents(spec: Spec) -> Iterator[Finding]:
    for at, agent in spec.located_agents():
        if not agent.name.strip():
            yield Finding("E_AGENT_NAME", (*at, "name"), "An agent needs a name.")


def _imports(spec: Spec) -> Iterator[Finding]:
    paths: list[tuple[Location, str | None]] = [
        *((("tools", name, "implementation"), tool.implementation) for name, tool in spec.tools.items()),
        *(
            (("components", "functions", name, "implementation"), function.implementation)
            for name, function in spec.components.functions.items()
        ),
    ]
    for at, path in paths:
        if path is not None and path != "" and not _is_dotted(path) and not is_unsafe_import(path):
            yield Finding("E_FUNCTION_PATH", at, "An implementation is a dotted path `package.module.symbol`.")


def _is_dotted(path: str) -> bool:
    parts = path.split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts)


def _workflows(spec: Spec) -> Iterator[Finding]:
    for at, workflow in spec.located_workflows():
        if not any(step.enabled for step in workflow.all_steps):
            where = WHERE_STEPS_ARE.get(workflow.type, "participants")
            yield Finding("E_WORKFLOW_EMPTY", (*at, where), "The workflow has no enabled step.")
        for here, step in located_steps(workflow, at):
            yield from _step(step, here, spec)
        if isinstance(workflow, HandoffSpec):
            yield from _turns(workflow, at)


def _step(step: StepSpec, at: Location, spec: Spec) -> Iterator[Finding]:
    agents = spec.components.agents
    if step.kind == "guardrail" and step.ref not in agents:
        message = f"Step {step.id!r} checks with agent {step.ref!r}, which is not declared."
        hint = did_you_mean(step.ref, agents, otherwise="Declare it under components.agents.")
        yield Finding("E_STEP_GUARDRAIL_REF", (*at, "ref"), message, hint)
    for limit in LIMITS:
        if (getattr(step, limit) or 0) < 0:
            message = f"Step {step.id!r} has a `{limit}` below zero, which is taken for zero."
            yield Finding("W_STEP_LIMIT_NEGATIVE", (*at, limit), message)


def _turns(workflow: HandoffSpec, at: Location) -> Iterator[Finding]:
    disabled = {step.id for step in workflow.participants if not step.enabled}
    for index, name in enumerate(workflow.selector.sequence):
        if name in disabled:
            message = f"The sequence names {name!r}, which is disabled and has no turn."
            yield Finding("W_HANDOFF_SELECTOR_DISABLED", (*at, "selector", "sequence", index), message)
    named = {*workflow.selector.sequence} if workflow.selector.type == "sequence" else set()
    if named and named <= disabled and len(disabled) < len(workflow.participants):
        message = "The sequence names only participants that are disabled, so nobody has a turn."
        yield Finding("E_WORKFLOW_EMPTY", (*at, "selector", "sequence"), message)


def _conditions(spec: Spec) -> Iterator[Finding]:
    for at, workflow in spec.located_workflows():
        if isinstance(workflow, GraphSpec):
            for index, edge in enumerate(workflow.edges):
                if edge.condition is not None:
                    yield from _texts(edge.condition, (*at, "edges", index, "condition"))


def _texts(condition: ConditionSpec, at: Location) -> Iterator[Finding]:
    """Yield what is compared with a text and is none. The depth of documents bounds the recursion."""
    if condition.type in TEXT_CONDITIONS and condition.value is not None and not isinstance(condition.value, str):
        message = f"The condition {condition.type!r} compares with a text; this value is none."
        yield Finding("E_CONDITION_TEXT", (*at, "value"), message, "Put it into quotes.")
    if condition.type == "decision_is" and condition.value is not None and condition.value not in DECISIONS:
        message = f"Nobody can decide {condition.value!r}; a decision is one of {', '.join(DECISIONS)}."
        yield Finding("E_CONDITION_DECISION", (*at, "value"), message, did_you_mean(str(condition.value), DECISIONS))
    for index, child in enumerate(condition.conditions):
        yield from _texts(child, (*at, "conditions", index))
    if condition.condition is not None:
        yield from _texts(condition.condition, (*at, "condition"))
