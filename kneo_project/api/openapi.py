"""The OpenAPI document: how callers authenticate, and where it is served."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.utils import Direction
from drf_spectacular.views import SpectacularAPIView

from kneo_project.api.authentication import ApiKeyAuthentication


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the two headers that carry a key."""

    target_class = ApiKeyAuthentication
    name = ["bearerKey", "headerKey"]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        """Return one scheme per header."""
        return [
            {"type": "http", "scheme": "bearer"},
            {"type": "apiKey", "in": "header", "name": "X-Kneo-Api-Key"},
        ]


class ClosedObject(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says of a strict serializer what it is: an object without any other keys."""

    target_class = "kneo_project.api.serializers.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the schema."""
        map_plainly: Any = auto_schema._map_serializer  # noqa: SLF001 - as its documentation shows
        return {**map_plainly(self.target, direction, bypass_extensions=True), "additionalProperties": False}


class OpenApiView(SpectacularAPIView):
    """The document, as ``application/json``."""

    renderer_classes = [OpenApiJsonRenderer2]
