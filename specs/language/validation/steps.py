"""What holds for a step of any shape: what it refers to, and what it falls back on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.workflows import GraphSpec, MapSpec, SequentialSpec, StepSpec, WorkflowSpec
from specs.language.suggesting import did_you_mean

BUCKETS = {
    "agent": "agents",
    "function": "functions",
    "human": "humans",
    "workflow": "workflows",
    "wait": "waits",
    "signal": "signals",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a workflow's steps can see. ``own_name`` is None for the root workflow."""

    spec: Spec
    own_name: str | None

    def names(self, kind: str) -> Mapping[str, object]:
        """Return the components a step of ``kind`` may name."""
        bucket: Mapping[str, object] = getattr(self.spec.components, BUCKETS[kind])
        return bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackCodes:
    """The codes that a shape uses for the fallbacks of its steps."""

    missing: str
    unknown: str
    human: str
    disabled: str


def reference_findings(step: StepSpec, at: Location, scope: Scope) -> Iterator[Finding]:
    """Yield what is wrong with what ``step`` runs."""
    if step.kind == "guardrail":
        return
    at = (*at, "ref")
    names = scope.names(step.kind)
    if step.ref not in names:
        hint = did_you_mean(step.ref, names, otherwise=f"Declare it under components.{BUCKETS[step.kind]}.")
        message = f"Step {step.id!r} refers to {step.kind} {step.ref!r}, which is not declared."
        yield Finding(f"E_STEP_{step.kind.upper()}_REF", at, message, hint)
    if step.kind == "workflow" and step.ref == scope.own_name:
        yield Finding("E_STEP_WORKFLOW_SELF_REF", at, f"Step {step.id!r} runs the workflow it is part of.")


def fallback_findings(
    step: StepSpec, at: Location, targets: Mapping[str, StepSpec], codes: FallbackCodes
) -> Iterator[Finding]:
    """Yield what is wrong with what ``step`` falls back on, among ``targets`` by id."""
    at = (*at, "fallback_ref")
    if not step.fallback_ref:
        if step.on_error == "fallback":
            yield Finding(codes.missing, at, f"Step {step.id!r} falls back on error, but names no `fallback_ref`.")
        return
    target = targets.get(step.fallback_ref)
    if target is None:
        message = f"The fallback {step.fallback_ref!r} of step {step.id!r} does not exist."
        yield Finding(codes.unknown, at, message, did_you_mean(step.fallback_ref, targets))
        return
    if target.kind == "human":
        yield Finding(codes.human, at, f"The fallback of step {step.id!r} asks a person, which a fallback cannot.")
    if not target.enabled:
        yield Finding(codes.disabled, at, f"The fallback {step.fallback_ref!r} of step {step.id!r} is disabled.")


def located_steps(workflow: WorkflowSpec, at: Location) -> Iterator[tuple[Location, StepSpec]]:
    """Yield every step of ``workflow``, which lies at ``at``, enabled or not, with its location."""
    if isinstance(workflow, GraphSpec):
        yield from (((*at, "nodes", key), node) for key, node in workflow.nodes.items())
    elif isinstance(workflow, MapSpec):
        yield (*at, "step"), workflow.step
    else:
        field = "steps" if isinstance(workflow, SequentialSpec) else "participants"
        yield from (((*at, field, index), step) for index, step in enumerate(workflow.all_steps))


def has_enabled_human(workflow: WorkflowSpec) -> bool:
    """Return whether ``workflow`` itself asks a person."""
    return any(step.enabled and step.kind == "human" for step in workflow.all_steps)
