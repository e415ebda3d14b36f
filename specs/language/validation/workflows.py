"""Workflows of every shape: ids, references, fallbacks, and what is particular to a shape."""

from collections.abc import Iterator, Mapping

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.workflows import (
    GraphSpec,
    GroupChatSpec,
    HandoffSpec,
    MapSpec,
    OrchestrationSpec,
    SequentialSpec,
    StepSpec,
)
from specs.language.suggesting import did_you_mean
from specs.language.validation.graphs import node_findings, start_findings
from specs.language.validation.steps import (
    FallbackCodes,
    Scope,
    fallback_findings,
    reference_findings,
)

STEP_FALLBACKS = FallbackCodes(
    missing="E_STEP_FALLBACK_REF",
    unknown="E_STEP_FALLBACK_UNKNOWN",
    human="E_STEP_FALLBACK_HUMAN",
    disabled="W_STEP_FALLBACK_DISABLED",
)


def workflow_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what is wrong inside each workflow, root first."""
    for at, workflow in spec.located_workflows():
        scope = Scope(spec=spec, own_name=str(at[-1]) if len(at) > 1 else None)
        if isinstance(workflow, SequentialSpec):
            yield from _sequential(workflow, at, scope)
        elif isinstance(workflow, GraphSpec):
            yield from node_findings(workflow, at, scope)
            yield from start_findings(workflow, at)
        elif isinstance(workflow, MapSpec):
            here = (*at, "step")
            yield from reference_findings(workflow.step, here, scope)
            yield from _no_fallback(workflow.step, here, "The step of a map")
        else:
            yield from _orchestration(workflow, at, scope)


def _sequential(workflow: SequentialSpec, at: Location, scope: Scope) -> Iterator[Finding]:
    first_by_id = _first_by_id(workflow.steps)
    for index, step in enumerate(workflow.steps):
        here = (*at, "steps", index)
        if first_by_id[step.id] is not step:
            yield Finding("E_STEP_DUPLICATE_ID", (*here, "id"), f"A step before this one has the id {step.id!r} too.")
        yield from fallback_findings(step, here, first_by_id, STEP_FALLBACKS)
        yield from reference_findings(step, here, scope)


def _orchestration(workflow: OrchestrationSpec, at: Location, scope: Scope) -> Iterator[Finding]:
    first_by_id = _first_by_id(workflow.participants)
    for index, step in enumerate(workflow.participants):
        here = (*at, "participants", index)
        if first_by_id[step.id] is not step:
            message = f"A participant before this one has the id {step.id!r} too."
            yield Finding("E_PARTICIPANT_DUPLICATE_ID", (*here, "id"), message)
        yield from reference_findings(step, here, scope)
        yield from _no_fallback(step, here, f"Participant {step.id!r}")
    if isinstance(workflow, HandoffSpec):
        yield from _selector(workflow, at, first_by_id)
    elif isinstance(workflow, GroupChatSpec):
        yield from _rounds(workflow, at)


def _no_fallback(step: StepSpec, at: Location, who: str) -> Iterator[Finding]:
    if step.on_error == "fallback" or step.fallback_ref:
        message = f"{who} cannot have a fallback; only steps and nodes can."
        yield Finding("E_PARTICIPANT_FALLBACK_UNSUPPORTED", (*at, "fallback_ref"), message)


def _selector(workflow: HandoffSpec, at: Location, participants: Mapping[str, StepSpec]) -> Iterator[Finding]:
    for index, name in enumerate(workflow.selector.sequence):
        if name not in participants:
            here = (*at, "selector", "sequence", index)
            hint = did_you_mean(name, participants)
            yield Finding(
                "E_HANDOFF_SELECTOR_REF", here, f"The sequence names {name!r}, which is no participant.", hint
            )


def _rounds(workflow: GroupChatSpec, at: Location) -> Iterator[Finding]:
    if workflow.rounds < 1:
        yield Finding("E_GROUP_CHAT_ROUNDS", (*at, "rounds"), "A group chat has at least one round.")


def _first_by_id(steps: list[StepSpec]) -> dict[str, StepSpec]:
    first: dict[str, StepSpec] = {}
    for step in steps:
        first.setdefault(step.id, step)
    return first
