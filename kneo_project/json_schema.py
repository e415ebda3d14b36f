"""JSON Schemas that users write: judged and applied in bounded time, without fetching anything from anywhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import jsonschema_rs

from kneo_project.schema_ways import Ways

MAX_PROBLEMS = 20
MAX_DEPTH = 100
MAX_REFERENCES = 30  # they may multiply each other
# So often may parts be judged to say what is wrong, which takes some kilobytes each time. Few ways never are too many.
FEW_WAYS, MOST_JUDGEMENTS = 20, 50_000
REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})  # asks what each branch has judged
LONGEST_PART = 100
MASK = "the value"


class UnsoundSchema(ValueError):
    """What was given is no JSON Schema that can be applied here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a value, and where in it. The message never repeats the value."""

    path: tuple[str | int, ...]
    message: str

    @property
    def where(self) -> str:
        """The place as one word."""
        return ".".join(str(part) for part in self.path)

    def within(self, name: str) -> "Problem":
        """Return the problem of a value of which this one is the part ``name``."""
        return replace(self, path=(name, *self.path))

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class JsonSchema:
    """A JSON Schema (draft 2020-12 unless it names another), ready to be applied.

    Patterns are matched by an engine that takes linear time, which knows neither look-around nor back-references; a
    reference that leads outside the schema is refused, never fetched.

    Raises:
        UnsoundSchema: ``schema`` is not one.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        _refuse_excess(schema)
        self._schema, self._ways = schema, Ways(schema)
        try:
            _validator(schema, mask=None)  # whoever wrote the schema may read it, so here the message may quote it
            self._validator = _validator(schema, mask=MASK)
        except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
            raise UnsoundSchema(_first_line(str(error))) from None

    def first_problem(self, value: object) -> Problem | None:
        """Return the first thing that is wrong with ``value``, or None."""
        return next(self.problems(value), None)

    def problems(self, value: object) -> Iterator[Problem]:
        """Yield what is wrong with ``value``, a JSON value: the first ``MAX_PROBLEMS`` things.

        A part of a path, which the value may have chosen, is cut after ``LONGEST_PART`` characters.
        """
        depths = [depth for _, depth in _walk(value)]
        if max(depths) > MAX_DEPTH:
            yield Problem(path=(), message=f"the value is nested more than {MAX_DEPTH} levels deep")
            return
        try:
            if self._is_too_much(levels=max(depths), parts=len(depths)):
                yield from self._unexplained(value)
                return
            for error in islice(self._validator.iter_errors(value), MAX_PROBLEMS):
                path = tuple(part[:LONGEST_PART] if isinstance(part, str) else part for part in error.instance_path)
                yield Problem(path=path, message=_first_line(error.message))
        except UnicodeEncodeError:
            yield Problem(path=(), message="the value holds half of a surrogate pair, which is no text")

    def _is_too_much(self, *, levels: int, parts: int) -> bool:
        ways = self._ways.most(levels)
        return ways > FEW_WAYS and ways * parts > MOST_JUDGEMENTS

    def _unexplained(self, value: object) -> Iterator[Problem]:
        """Yield that ``value`` does not fit, if so: that alone is quick to know, unless it asks itself."""
        if any(isinstance(part, Mapping) and UNEVALUATED & part.keys() for part, _ in _walk(self._schema)):
            yield Problem(path=(), message="the schema has too many ways to judge the value")
        elif not self._validator.is_valid(value):
            yield Problem(path=(), message="the value does not fit the schema, which has too many ways to say where")


def _validator(schema: Mapping[str, Any], *, mask: str | None) -> jsonschema_rs.Validator:
    linear = jsonschema_rs.RegexOptions()
    return jsonschema_rs.validator_for(dict(schema), pattern_options=linear, offline=True, mask=mask)


def _refuse_excess(schema: Mapping[str, Any]) -> None:
    references = 0
    for part, depth in _walk(schema):
        if depth > MAX_DEPTH:
            raise UnsoundSchema(f"it is nested more than {MAX_DEPTH} levels deep")
        if isinstance(part, Mapping):
            references += len(REFERENCES & part.keys())
    if references > MAX_REFERENCES:
        raise UnsoundSchema(f"it has {references} references, at most {MAX_REFERENCES} are allowed")


def _walk(value: object) -> Iterator[tuple[object, int]]:
    """Yield all parts of ``value`` with how deep they lie. The validators recurse on the stack, so this must not."""
    pending = [(value, 0)]
    while pending:
        part, depth = pending.pop()
        yield part, depth
        if depth <= MAX_DEPTH and isinstance(part, Mapping | list | tuple):
            inner = part.values() if isinstance(part, Mapping) else part
            pending += [(each, depth + 1) for each in inner]


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 300 else f"{line[:299]}…"
