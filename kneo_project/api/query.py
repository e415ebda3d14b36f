"""Reads declared query parameters. A parser gets the parameter's name and text and returns its value, or raises."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import QueryDict

from kneo_project.api.words import NO, YES
from kneo_project.errors import InvalidTimestamp, KneoError, Problem, RequestInvalid

type Parser = Callable[[str, str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A parameter that may be given several times: the value is the list of what ``parser`` makes of each.

    ``pattern`` is what the document says of each text, where the parser does not take any.
    """

    parser: Parser
    pattern: str | None = None


type Reader = Parser | Repeated

MAX_REPEATS = 32
LONGEST_SECONDS = 1e10  # three hundred years
_WHOLE_NUMBER = re.compile(r"\s*[+-]?\d{1,18}(?:\.0*)?\s*")


def read_query(parsers: Mapping[str, Reader], given: QueryDict) -> dict[str, Any]:
    """Return the values of the parameters in ``given``; absent ones, and those whose value is None, are left out.

    The last one of a repeated parameter counts, unless it is ``Repeated``.

    Raises:
        RequestInvalid: with every problem of every parameter.
        KneoError: the first other refusal of a parser, when there is no such problem.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    refusals: list[KneoError] = []
    for name in (name for name in parsers if name in given):
        try:
            values[name] = _read(parsers[name], name, given)
        except RequestInvalid as error:
            problems.extend(error.problems)
        except KneoError as error:
            refusals.append(error)
    if problems:
        raise RequestInvalid(problems)
    if refusals:
        raise refusals[0]
    return {name: value for name, value in values.items() if value is not None}


def _read(reader: Reader, name: str, given: QueryDict) -> object:
    if not isinstance(reader, Repeated):
        return reader(name, storable(name, str(given[name])))
    raws = given.getlist(name)
    if len(raws) > MAX_REPEATS:
        raise _invalid(name, "too_long", f"Parameter should be given at most {MAX_REPEATS} times")
    return [reader.parser(name, storable(name, raw)) for raw in raws]


def text(_name: str, raw: str) -> str:
    """Return the text; empty is a value."""
    return raw


def text_or_absent(_name: str, raw: str) -> str | None:
    """Return the text; empty counts as absent."""
    return raw or None


def flag(name: str, raw: str) -> bool:
    """Return the boolean that a word stands for."""
    if raw.lower() not in YES | NO:
        raise _invalid(name, "bool_parsing", "Input should be a valid boolean, unable to interpret input")
    return raw.lower() in YES


def word(*choices: str) -> Parser:
    """Return a parser of exactly these words."""

    def parse(name: str, raw: str) -> str:
        if raw not in choices:
            raise _invalid(name, "enum", f"Input should be one of: {', '.join(choices)}")
        return raw

    return parse


def whole_number(minimum: int, maximum: int | None = None) -> Parser:
    """Return a parser of whole numbers within bounds; ``1.0`` and ``+5`` count as such."""

    def parse(name: str, raw: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(raw):
            raise _invalid(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer")
        value = int(raw.partition(".")[0])
        if value < minimum:
            raise _invalid(name, "greater_than_equal", f"Input should be greater than or equal to {minimum}")
        if maximum is not None and value > maximum:
            raise _invalid(name, "less_than_equal", f"Input should be less than or equal to {maximum}")
        return value

    return parse


def seconds(name: str, raw: str) -> timedelta:
    """Return the length of time that a number of seconds says, from none to three hundred years."""
    try:
        value = float(raw)
    except ValueError:
        raise _invalid(name, "float_parsing", "Input should be a number of seconds") from None
    if not 0 <= value <= LONGEST_SECONDS:
        raise _invalid(name, "greater_than_equal", f"Input should be between 0 and {LONGEST_SECONDS:.0f} seconds")
    return timedelta(seconds=value)


def timestamp(name: str, raw: str) -> datetime:
    """Return the moment in UTC of an ISO 8601 text; one without an offset is UTC.

    Raises:
        InvalidTimestamp: the text is no timestamp, or one outside the years 1 to 9999 once it is in UTC.
    """
    try:
        moment = datetime.fromisoformat(raw)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidTimestamp(
            f"{name} must be an ISO 8601 timestamp such as 2026-11-23T09:00:00Z (write + as %2B).", param=name
        ) from None


def storable(name: str, raw: str) -> str:
    """Return the text. Raises RequestInvalid for one that no database keeps."""
    if "\0" in raw:
        raise _invalid(name, "value_error", "Text must not contain NUL characters")
    return raw


def _invalid(name: str, kind: str, message: str) -> RequestInvalid:
    return RequestInvalid([Problem(type=kind, loc=("query", name), msg=message)])
