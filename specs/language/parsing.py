"""From text to a document: safe YAML or JSON, with the place of every key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn

from specs.language.diagnostics import Position, Positions, SpecSyntaxError, diagnose, syntax_error
from specs.language.limits import MAX_NUMBER_CHARS, MAX_TEXT_CHARS
from specs.language.values import value_findings
from specs.language.yaml_reading import read_yaml

MOST_VALUE_FINDINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A mapping read from a text. ``positions`` are known for YAML only."""

    name: str
    data: Mapping[str, Any]
    positions: Positions = field(default_factory=dict)


def load(text: str, *, name: str) -> Document:
    """Read ``text``: JSON when ``name`` ends in ``.json``, else YAML 1.1 (dates stay text, tags are refused).

    Raises:
        SpecSyntaxError: it is not one readable mapping of plain values within the limits of the language.
    """
    _check_text(text)
    data, positions = (_read_json(text), {}) if name.lower().endswith(".json") else read_yaml(text)
    if not isinstance(data, dict):
        raise syntax_error(f"A spec is a mapping; this document is {_kind(data)}.", Position(1, 1))
    if findings := list(islice(value_findings(data), MOST_VALUE_FINDINGS)):
        raise SpecSyntaxError(diagnose(findings, positions))
    return Document(name=name, data=data, positions=positions)


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT_CHARS:
        raise syntax_error(f"The text is longer than {MAX_TEXT_CHARS:,} characters.", Position(1, 1), code="E_LIMIT")
    if "\x00" in text:
        raise syntax_error("The text contains a NUL character.", _position(text, text.index("\x00")))
    if not text.strip():
        raise syntax_error("The file is empty; a spec needs at least `version` and `agent`.", Position(1, 1))


def _read_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_int=_whole, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise syntax_error(f"The JSON is malformed: {error.msg}.", Position(error.lineno, error.colno)) from None
    except ValueError as error:
        raise syntax_error(f"The JSON is malformed: {error}.", Position(1, 1)) from None
    except RecursionError:
        raise syntax_error("The document is nested too deep.", Position(1, 1), code="E_LIMIT") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:80]!r} appears twice in one object")
    return unique


def _whole(digits: str) -> int:
    if len(digits) > MAX_NUMBER_CHARS:
        raise ValueError("a number is too long")
    return int(digits)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a finite number")


def _position(text: str, offset: int) -> Position:
    before = text[:offset]
    return Position(before.count("\n") + 1, offset - before.rfind("\n"))


def _kind(data: object) -> str:
    return "a list" if isinstance(data, list) else "a single value"
