"""Workflows, from the spec to the plan. Disabled steps are gone afterwards, and so is what led to them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from specs.language.conditions import compile_condition
from specs.language.explaining import workflow_name
from specs.language.plan import (
    ConcurrentPlan,
    EdgePlan,
    GraphPlan,
    MapPlan,
    OnError,
    Shape,
    StepKind,
    StepPlan,
    TurnsPlan,
    WorkflowPlan,
)
from specs.language.schema import Spec
from specs.language.schema.workflows import (
    ConcurrentSpec,
    EdgeSpec,
    GraphSpec,
    GroupChatSpec,
    HandoffSpec,
    MapSpec,
    SequentialSpec,
    StepSpec,
    WorkflowSpec,
)


def compile_workflow(workflow: WorkflowSpec, spec: Spec) -> WorkflowPlan:
    """Return the plan of ``workflow``, which belongs to ``spec`` and in which no check has found an error."""
    name, description = workflow_name(workflow), workflow.description or ""
    match workflow:
        case GraphSpec():
            return _graph(workflow, spec)
        case ConcurrentSpec():
            steps = _steps(workflow.participants, spec)
            limit = workflow.max_parallel
            return ConcurrentPlan(name=name, description=description, steps=steps, max_parallel=limit)
        case MapSpec():
            steps = _steps([workflow.step], spec)
            limit = workflow.max_parallel
            return MapPlan(name=name, description=description, steps=steps, max_parallel=limit)
        case SequentialSpec() | HandoffSpec() | GroupChatSpec():
            return _turns(workflow, spec)


def _turns(workflow: SequentialSpec | HandoffSpec | GroupChatSpec, spec: Spec) -> TurnsPlan:
    steps = _steps(workflow.all_steps, spec)
    order = tuple(range(len(steps)))
    if isinstance(workflow, HandoffSpec):
        order = _handoff_order(workflow, [step.id for step in steps])
    return TurnsPlan(
        shape=Shape(workflow.type.replace("_", "-")),
        name=workflow_name(workflow),
        description=workflow.description or "",
        steps=steps,
        order=order,
        rounds=workflow.rounds if isinstance(workflow, GroupChatSpec) else 1,
    )


def _handoff_order(workflow: HandoffSpec, ids: list[str]) -> tuple[int, ...]:
    selector = workflow.selector
    named = selector.sequence if selector.type == "sequence" and selector.sequence else ids
    places = {step_id: place for place, step_id in reversed([*enumerate(ids)])}
    order = [places[step_id] for step_id in named if step_id in places]
    limit = workflow.max_iterations
    return tuple(order if limit is None else order[: max(limit, 1)])


def _graph(workflow: GraphSpec, spec: Spec) -> GraphPlan:
    enabled = {key: step for key, step in workflow.nodes.items() if step.enabled}
    steps = tuple(_step(step, enabled, spec, step_id=key) for key, step in enabled.items())
    return GraphPlan(
        name=workflow_name(workflow),
        description=workflow.description or "",
        start=workflow.start,
        steps=steps,
        edges=_edges(workflow.edges, enabled),
        max_steps=workflow.max_steps,
    )


def _edges(edges: Iterable[EdgeSpec], enabled: Mapping[str, StepSpec]) -> dict[str, tuple[EdgePlan, ...]]:
    ways: dict[str, list[EdgePlan]] = {}
    for edge in edges:
        if edge.from_ in enabled and edge.to in enabled:
            condition = compile_condition(edge.condition) if edge.condition else None
            way = EdgePlan(source=edge.from_, target=edge.to, condition=condition, label=edge.label)
            ways.setdefault(edge.from_, []).append(way)
    return {node: tuple(leaving) for node, leaving in ways.items()}


def _steps(steps: Iterable[StepSpec], spec: Spec) -> tuple[StepPlan, ...]:
    enabled = [step for step in steps if step.enabled]
    ids = {step.id for step in enabled}
    return tuple(_step(step, ids, spec, step_id=step.id) for step in enabled)


def _step(step: StepSpec, fallbacks: Collection[str], spec: Spec, *, step_id: str) -> StepPlan:
    kind, ref, agent = _target(step, spec)
    return StepPlan(
        id=step_id,
        kind=kind,
        ref=ref,
        on_error=OnError(step.on_error),
        fallback=step.fallback_ref if step.fallback_ref in fallbacks else None,
        max_retries=max(0, step.max_retries),
        timeout_seconds=step.timeout_seconds if step.timeout_seconds and step.timeout_seconds > 0 else None,
        agent=agent,
    )


def _target(step: StepSpec, spec: Spec) -> tuple[StepKind, str, str | None]:
    """Return what does the step: an agent may be backed by a workflow, and a guardrail step is an agent."""
    if step.kind not in {"agent", "guardrail"}:
        return StepKind(step.kind), step.ref, None
    agent = spec.components.agents.get(step.ref)
    if agent and agent.as_agent:
        return StepKind.WORKFLOW, agent.as_agent, agent.name
    return StepKind.AGENT, step.ref, None


def are_timed(workflows: Iterable[WorkflowPlan]) -> bool:
    """Return whether any step of ``workflows`` that is itself a workflow has a timeout."""
    steps = (step for workflow in workflows for step in workflow.steps)
    return any(step.kind is StepKind.WORKFLOW and step.timeout_seconds for step in steps)


def recurring_agents(root: WorkflowPlan | None, inner: Iterable[WorkflowPlan]) -> frozenset[str]:
    """Return the agents that may have several turns though no step comes twice: in several steps, or inside others."""
    turns: Counter[str] = Counter()
    for workflow in inner:
        turns.update({step.ref: 2 for step in workflow.steps if step.kind is StepKind.AGENT})
    agents = {step.id: step.ref for step in root.steps if step.kind is StepKind.AGENT} if root else {}
    turns.update(agents.values())
    stand_ins = (step.fallback for step in root.steps) if root else ()
    turns.update(agents[name] for name in stand_ins if name in agents)
    return frozenset(name for name, count in turns.items() if count > 1)
