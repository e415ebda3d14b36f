"""The way out: nothing leaves without having been redacted."""

from typing import Any, cast

from rest_framework.serializers import BaseSerializer

from kneo_project.redaction import redact


def shown(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    """Return the body that ``serializer`` makes of its instance, without secrets and personal data."""
    return cast("dict[str, Any]", redact(serializer.data))
