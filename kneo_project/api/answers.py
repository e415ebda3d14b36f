"""What every answer is made of: the fields of its values, the envelope of a list, and how both are documented."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema_field,
)
from rest_framework import serializers

from kneo_project.api.pagination import MAX_LIMIT, WINDOW, Listing
from kneo_project.api.query import MAX_REPEATS, Reader, Repeated, flag, seconds, timestamp
from kneo_project.errors import (
    Forbidden,
    IdentityProviderUnavailable,
    InternalError,
    InvalidRequest,
    KneoError,
    Problem,
    RateLimited,
    RequestInvalid,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    Unauthorized,
    UnknownQueryParameters,
)

_PARAMETER_TYPES: dict[Reader, OpenApiTypes] = {
    flag: OpenApiTypes.BOOL,
    timestamp: OpenApiTypes.DATETIME,
    seconds: OpenApiTypes.DOUBLE,
}


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.Field[datetime, Any, str, Any]):
    """A moment as ISO 8601 text in UTC, with the offset written out: ``2026-11-23T09:00:00.000000+00:00``."""

    def to_representation(self, value: datetime) -> str:
        """Return the text."""
        return value.astimezone(UTC).isoformat(timespec="microseconds")


@extend_schema_field(OpenApiTypes.DOUBLE)
class EpochField(serializers.Field[datetime, Any, float, Any]):
    """A moment as seconds since 1970, with fractions."""

    def to_representation(self, value: datetime) -> float:
        """Return the number."""
        return value.timestamp()


class ListSerializer(serializers.Serializer[Any]):
    """The envelope of a list; subclasses add the items."""

    count = serializers.IntegerField(help_text="Items on this page.")
    total = serializers.IntegerField(help_text="Items that match, on all pages.")
    window = serializers.IntegerField(help_text="The deepest offset.")
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    sort_by = serializers.CharField()
    sort_order = serializers.ChoiceField(choices=["asc", "desc"])
    next_cursor = serializers.CharField(
        allow_null=True, help_text="The `cursor` of the next page. Null on the last, and when sorted by free texts."
    )


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """A stable code, a sentence, and named facts beside them."""

    error = serializers.CharField()
    message = serializers.CharField()


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a request was refused."""

    detail = ErrorDetailSerializer()


class ProblemSerializer(serializers.Serializer[Any]):
    """One thing that is wrong with a request, and where."""

    type = serializers.CharField()
    loc = serializers.ListField(child=serializers.JSONField())
    msg = serializers.CharField()


class ProblemsSerializer(serializers.Serializer[Any]):
    """Everything that is wrong with a request."""

    detail = ProblemSerializer(many=True)


class UnreadableSerializer(serializers.Serializer[Any]):
    """The body of the request is not text."""

    detail = serializers.CharField()


def _either(name: str, *bodies: type[serializers.Serializer[Any]]) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(
        component_name=name, serializers=[*bodies], resource_type_field_name=None, many=False
    )


_BODIES = {
    InvalidRequest.status: _either("NotPossible", ErrorSerializer, UnreadableSerializer),
    RequestInvalid.status: _either("Refused", ErrorSerializer, ProblemsSerializer),
}


def missing(*loc: str) -> RequestInvalid:
    """Return the refusal of a request without the value at ``loc``, as an example."""
    return RequestInvalid([Problem(type="missing", loc=loc, msg="Field required")])


def refusals(scope: str, *errors: KneoError) -> dict[int, OpenApiResponse]:
    """Return what ``extend_schema`` needs to document how a route may refuse a request.

    Args:
        scope: the scope the route needs; what any such route may answer is added.
        errors: an example of each further refusal.
    """
    common = (
        Unauthorized(),
        Forbidden(required_scope=scope),
        UnknownQueryParameters(unknown=["sort"]),
        RateLimited(limit=600),
        InternalError(),
        StoreUnavailable(),
        StoreFull(),
        StoreReadOnly(),
        IdentityProviderUnavailable(),
    )
    ordered = sorted((*common, *errors), key=lambda error: error.status)
    return {status: _refusal(list(same)) for status, same in groupby(ordered, key=lambda error: error.status)}


def list_parameters(listing: Listing, choices: Mapping[str, Iterable[str]] | None = None) -> list[OpenApiParameter]:
    """Return the query parameters of ``listing``; ``choices`` names the words a filter may be, where they are few."""
    sortable = ", ".join(sorted(listing.sort_columns))
    return [
        *filter_parameters(listing.filters, choices),
        OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 100}),
        OpenApiParameter("offset", {"type": "integer", "minimum": 0, "maximum": WINDOW, "default": 0}),
        OpenApiParameter("sort_by", {"type": "string", "default": listing.sort_by}, description=f"One of {sortable}."),
        OpenApiParameter("sort_order", {"type": "string", "enum": ["asc", "desc"], "default": listing.sort_order}),
        OpenApiParameter("cursor", str, description="The `next_cursor` of the page before, in the same order."),
    ]


def filter_parameters(
    filters: Mapping[str, Reader], choices: Mapping[str, Iterable[str]] | None = None
) -> list[OpenApiParameter]:
    """Return the query parameters that are ``filters``; ``choices`` as in ``list_parameters``."""
    return [
        OpenApiParameter(
            name,
            _parameter_type(parser),
            enum=[*(choices or {}).get(name, ())] or None,
        )
        for name, parser in filters.items()
    ]


def _parameter_type(reader: Reader) -> OpenApiTypes | dict[str, Any]:
    if not isinstance(reader, Repeated):
        return _PARAMETER_TYPES.get(reader, OpenApiTypes.STR)
    pattern = {"pattern": reader.pattern} if reader.pattern else {}
    return {"type": "array", "items": {"type": "string", **pattern}, "maxItems": MAX_REPEATS}


def _refusal(errors: list[KneoError]) -> OpenApiResponse:
    examples = [
        OpenApiExample(error.code, value={"detail": error.detail}, response_only=True, media_type="application/json")
        for error in errors
    ]
    body = _BODIES.get(errors[0].status, ErrorSerializer)
    return OpenApiResponse(body, description=", ".join(error.code for error in errors), examples=examples)
