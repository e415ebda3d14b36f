"""What the language has to say about a spec: findings while checking, diagnostics when told to somebody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from specs.language.codes import MEANINGS
from specs.language.suggesting import Guess

MOST_GUESSES = 100
MOST_TOLD = 1_000
LONGEST_MESSAGE = 600
LONGEST_SUMMARY = 6_000

type Location = tuple[str | int, ...]
"""The way from the root of a document to a value: mapping keys and list indexes."""

type Positions = Mapping[Location, Position]


class Position(NamedTuple):
    """A place in a text, both counted from 1."""

    line: int
    column: int


class Severity(StrEnum):
    """How much a diagnostic weighs: only an error makes a spec invalid."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


SEVERITY_BY_PREFIX = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One remark on a spec, in the field order of the public API. ``line`` and ``column`` are None when unknown."""

    code: str
    severity: Severity
    message: str
    path: str | None = None
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None
    problems: "tuple[Diagnostic, ...]" = ()
    """What this sums up: one diagnostic for each problem, with a path and a position of its own."""

    @property
    def is_error(self) -> bool:
        """Whether this makes the spec invalid."""
        return self.severity is Severity.ERROR

    @property
    def is_warning(self) -> bool:
        """Whether this should be looked at, though the spec is valid."""
        return self.severity is Severity.WARNING

    def recoded(self, code: str, message: str) -> "Diagnostic":
        """Return ``code`` with ``message`` about the same place."""
        return replace(
            self, code=code, severity=SEVERITY_BY_PREFIX[code[0]], message=message, suggestion=None, problems=()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the public form: five fixed keys, then the position and the problems when there are any."""
        public: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "path": self.path,
            "suggestion": self.suggestion,
        }
        if self.line is not None:
            public |= {"line": self.line, "column": self.column}
        if self.problems:
            public["problems"] = [problem.as_dict() for problem in self.problems]
        return public


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic in the making: ``at`` is what it is about, ``near`` where to look when ``at`` says nothing."""

    code: str
    at: Location
    message: str
    suggestion: str | Guess | None = None
    near: Location = ()
    problems: "tuple[Finding, ...]" = ()


class SpecError(Exception):
    """A spec was refused; ``diagnostics`` say why and are never empty."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(diagnostic.message for diagnostic in self.diagnostics))


class SpecSyntaxError(SpecError):
    """The text cannot be read as a spec."""


class CompileError(SpecError):
    """The spec cannot be turned into a plan."""


def path_of(location: Location) -> str | None:
    """Return the public form of ``location``: dots for keys, ``[i]`` for indexes, None for the whole document."""
    if not location:
        return None
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def diagnose(findings: Iterable[Finding], positions: Positions | None = None) -> list[Diagnostic]:
    """Return ``findings`` as diagnostics, each with the position of the nearest known enclosing value.

    Only the first hundred are given a guess of what was meant, because guessing costs far more than checking.
    """
    return [
        _diagnostic(finding, positions or {}, is_guessing=index < MOST_GUESSES)
        for index, finding in enumerate(findings)
    ]


def told(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Return the public form of ``diagnostics``: the first ``MOST_TOLD``, and how many more there are.

    What sums up the rest is an error if there is one among them. Policies look at all of them, not at these.
    """
    public = [diagnostic.as_dict() for diagnostic in diagnostics[:MOST_TOLD]]
    if rest := diagnostics[MOST_TOLD:]:
        code = "E_LIMIT" if any(diagnostic.is_error for diagnostic in rest) else "W_LIMIT"
        message = f"There are {len(rest):,} more remarks; correct the first {MOST_TOLD:,} and check again."
        public += [diagnostic.as_dict() for diagnostic in diagnose([Finding(code, (), message)])]
    return public


def _diagnostic(finding: Finding, positions: Positions, *, is_guessing: bool) -> Diagnostic:
    if finding.code not in MEANINGS:
        raise KeyError(finding.code)
    position = nearest(finding.at or finding.near, positions)
    return Diagnostic(
        code=finding.code,
        severity=SEVERITY_BY_PREFIX[finding.code[0]],
        message=_shortened(finding.message, LONGEST_SUMMARY if finding.problems else LONGEST_MESSAGE),
        path=path_of(finding.at),
        suggestion=_suggestion(finding.suggestion, is_guessing=is_guessing),
        line=position.line if position else None,
        column=position.column if position else None,
        problems=tuple(_diagnostic(each, positions, is_guessing=is_guessing) for each in finding.problems),
    )


def _suggestion(suggestion: str | Guess | None, *, is_guessing: bool) -> str | None:
    if isinstance(suggestion, Guess):
        return suggestion.sentence() if is_guessing else suggestion.otherwise
    return suggestion


def _shortened(message: str, most: int) -> str:
    """Return ``message`` in a length that people read: it may quote names of any length."""
    return message if len(message) <= most else f"{message[: most - 1]}…"


def nearest(location: Location, positions: Positions) -> Position | None:
    """Return the position of ``location`` or of the closest value around it."""
    for length in range(len(location), -1, -1):
        if position := positions.get(location[:length]):
            return position
    return None


def syntax_error(message: str, position: Position, *, code: str = "E_SYNTAX") -> SpecSyntaxError:
    """Return the error that says ``message`` about ``position`` of a text."""
    return SpecSyntaxError(diagnose([Finding(code, (), message)], {(): position}))
