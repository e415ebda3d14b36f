"""Waits and signals: what a run lets pass, and what it is told from outside."""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.limits import MAX_TIMEOUT_SECONDS
from specs.language.moments import moment
from specs.language.schema import Spec
from specs.language.schema.components import WaitSpec
from specs.language.validation.data import schema_problem, variable_findings


def waiting_findings(spec: Spec) -> Iterator[Finding]:
    """Yield waits that name no time, and signals whose payload cannot be judged."""
    for name, wait in spec.components.waits.items():
        yield from _wait(name, wait, ("components", "waits", name))
    for name, signal in spec.components.signals.items():
        at: Location = ("components", "signals", name)
        if problem := schema_problem(signal.payload_schema):
            message = f"The `payload_schema` is not a JSON Schema that can be applied: {problem}."
            yield Finding("E_SIGNAL_SCHEMA", (*at, "payload_schema"), message)
        yield from variable_findings(signal.sets, at)


def _wait(name: str, wait: WaitSpec, at: Location) -> Iterator[Finding]:
    if (wait.seconds is None) == (wait.until is None):
        yield Finding("E_WAIT", at, f"The wait {name!r} needs one of `seconds` and `until`.")
    elif wait.seconds is not None and not 0 <= wait.seconds <= MAX_TIMEOUT_SECONDS:
        message = f"`seconds` is from 0 to {MAX_TIMEOUT_SECONDS}, which is ten years."
        yield Finding("E_WAIT", (*at, "seconds"), message)
    elif wait.until is not None and moment(wait.until) is None:
        yield Finding("E_WAIT", (*at, "until"), "`until` is an ISO 8601 moment such as 2026-11-23T09:00:00Z.")
