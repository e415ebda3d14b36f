"""The OpenAPI document: how callers authenticate, and where it is served."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.renderers import OpenApiJsonRenderer2
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


class OpenApiView(SpectacularAPIView):
    """The document, as ``application/json``."""

    renderer_classes = [OpenApiJsonRenderer2]
