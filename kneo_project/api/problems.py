"""Turns what a serializer found into the problems of a request."""

from collections.abc import Iterator, Mapping, Sequence

from rest_framework.settings import api_settings

from kneo_project.errors import Problem

# Where Django's and DRF's own validators have other names for what clients know from pydantic.
_TYPES = {
    "required": "missing",
    "max_length": "string_too_long",
    "min_length": "string_too_short",
    "max_value": "less_than_equal",
    "min_value": "greater_than_equal",
    "invalid_choice": "enum",
    "invalid": "value_error",
}


def problems_in(detail: object, *loc: str | int) -> list[Problem]:
    """Return every leaf of a DRF error ``detail`` as a problem; ``loc`` is where the validated value came from."""
    return list(_walk(detail, loc))


def _walk(detail: object, loc: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _walk(inner, loc if key == api_settings.NON_FIELD_ERRORS_KEY else (*loc, key))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for position, inner in enumerate(detail):
            # A list of texts is several problems of one value; a list of anything else has one entry per element.
            yield from _walk(inner, loc if isinstance(inner, str) else (*loc, position))
    else:
        code = str(getattr(detail, "code", "value_error"))
        yield Problem(type=_TYPES.get(code, code), loc=loc, msg=str(detail))
