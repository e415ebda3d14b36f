"""Reads JSON bodies: strictly JSON, and nothing that the database could not keep."""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from kneo_project.errors import Problem, RequestInvalid
from kneo_project.strict_json import NotJson, Unstorable, read_json, refuse_unstorable


class StrictJSONParser(BaseParser):
    """Parses ``application/json`` and ``application/*+json``.

    Refused, because they are not JSON or cannot be stored: NaN and infinities, numbers out of range, NUL characters,
    unpaired surrogates, and nesting deeper than ``strict_json.MAX_DEPTH``.
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
        value = read_json(text)
        if isinstance(value, dict):
            refuse_unstorable(value)
    except NotJson as error:
        where = () if error.position is None else (error.position,)
        raise _invalid("json_invalid", f"JSON decode error: {error}", *where) from None
    except Unstorable as error:
        raise _invalid("value_error", str(error)) from None
    return value


def _not_an_object() -> RequestInvalid:
    return _invalid("model_attributes_type", "Input should be a JSON object sent as application/json")


def _invalid(kind: str, message: str, *where: int) -> RequestInvalid:
    return RequestInvalid([Problem(type=kind, loc=("body", *where), msg=message)])
