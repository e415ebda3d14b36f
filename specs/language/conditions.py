"""When an edge of a graph is taken: checked when the spec is compiled, evaluated when a node is done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.language.schema.workflows import ConditionSpec, ConditionType


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known once a node is done.

    ``status`` is ``failed`` for a node whose failure was tolerated, else ``completed``; ``decision`` is what a person
    decided, if the node asked one.
    """

    output_text: str
    status: str = "completed"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    decision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A predicate on the facts. ``parts`` are the conditions inside; ``key`` names a value of metadata or variables."""

    type: ConditionType
    value: Any = None
    key: str = ""
    case_sensitive: bool = False
    parts: "tuple[Condition, ...]" = ()


def compile_condition(spec: ConditionSpec) -> Condition:
    """Return the condition that ``spec``, in which no check has found an error, stands for."""
    parts = [spec.condition] if spec.type == "not" and spec.condition else spec.conditions
    return Condition(
        type=spec.type,
        value=spec.value,
        key=spec.key or "",
        case_sensitive=spec.case_sensitive,
        parts=tuple(compile_condition(part) for part in parts),
    )


def matches(condition: Condition | None, facts: Facts) -> bool:
    """Return whether ``facts`` meet ``condition``; no condition is always met."""
    if condition is None:
        return True
    match condition.type:
        case "always" | "never":
            return condition.type == "always"
        case "all_of":
            return all(matches(part, facts) for part in condition.parts)
        case "any_of":
            return any(matches(part, facts) for part in condition.parts)
        case "not":
            return not any(matches(part, facts) for part in condition.parts)
        case _:
            return _holds(condition, facts)


def _holds(condition: Condition, facts: Facts) -> bool:
    match condition.type:
        case "output_contains":
            return _folded(condition.value, condition) in _folded(facts.output_text, condition)
        case "output_equals":
            return _folded(condition.value, condition) == _folded(facts.output_text, condition)
        case "status_is":
            return bool(facts.status == condition.value)
        case "decision_is":
            return facts.decision is not None and bool(facts.decision == condition.value)
        case "metadata_equals":
            return _equals(facts.metadata, condition)
        case _:
            return _equals(facts.variables, condition)


def _folded(value: object, condition: Condition) -> str:
    text = str(value)
    return text if condition.case_sensitive else text.casefold()


def _equals(values: Mapping[str, Any], condition: Condition) -> bool:
    """Whether the value is there and the same; true is not 1, and no type is turned into another."""
    missing = object()
    value = values.get(condition.key, missing)
    return (
        value is not missing
        and isinstance(value, bool) == isinstance(condition.value, bool)
        and value == condition.value
    )
