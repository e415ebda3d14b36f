"""Reads JSON bodies: strictly JSON, and nothing that the database could not keep."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from kneo_project.errors import Problem, RequestInvalid

MAX_DEPTH = 100


class StrictJSONParser(BaseParser):
    """Parses ``application/json`` and ``application/*+json``.

    Refused, because they are not JSON or cannot be stored: NaN and infinities, numbers out of range, NUL characters,
    unpaired surrogates, and nesting deeper than ``MAX_DEPTH``.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return the parsed body.

        Raises:
            RequestInvalid: it is not a JSON object, or says that it is something else.
            ParseError: it is not UTF-8.
        """
        if not _is_json(media_type or ""):
            raise _not_an_object()
        try:
            text = stream.read().decode()
        except UnicodeDecodeError:
            raise ParseError("There was an error parsing the body") from None
        value = _parsed(text)
        if not isinstance(value, dict):
            raise _not_an_object()
        _refuse_unstorable(value)
        return value


class OneFormat(BaseContentNegotiation):
    """Every body is JSON in and JSON out, whatever ``Accept`` and ``Content-Type`` say; the parser refuses the rest."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """Return the only parser."""
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the only renderer."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


def _is_json(content_type: str) -> bool:
    essence = content_type.partition(";")[0].strip().lower()
    return essence == "application/json" or (essence.startswith("application/") and essence.endswith("+json"))


def _parsed(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise _invalid("json_invalid", f"JSON decode error: {error.msg}", error.pos) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise _invalid("json_invalid", "JSON decode error: a number is out of range") from None


def _refuse_constant(name: str) -> float:
    raise _invalid("json_invalid", f"JSON decode error: {name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError
    return value


def _refuse_unstorable(value: object) -> None:
    pending: list[tuple[object, int]] = [(value, 1)]
    while pending:
        current, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(current, str):
            _refuse_unstorable_text(current)
        elif isinstance(current, dict):
            pending.extend((inner, depth + 1) for pair in current.items() for inner in pair)
        elif isinstance(current, list):
            pending.extend((inner, depth + 1) for inner in current)


def _refuse_unstorable_text(text: str) -> None:
    if "\0" in text:
        raise _invalid("value_error", "Text must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid("value_error", "Text must not contain unpaired surrogates") from None


def _not_an_object() -> RequestInvalid:
    return _invalid("model_attributes_type", "Input should be a JSON object sent as application/json")


def _too_deep() -> RequestInvalid:
    return _invalid("json_invalid", f"JSON decode error: nested deeper than {MAX_DEPTH} levels")


def _invalid(kind: str, message: str, *where: int) -> RequestInvalid:
    return RequestInvalid([Problem(type=kind, loc=("body", *where), msg=message)])
