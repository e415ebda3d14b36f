"""Finds out who calls, from the API key in a request's headers."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kneo_project.principals import ANONYMOUS, Principal, keyring


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the principal of a request.

    An unknown key is no error here: a public route answers anybody, and the permission refuses everybody else.
    """

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """Return the principal, or None when no accepted key was presented."""
        keys = keyring()
        if not keys.is_enforced:
            return ANONYMOUS, None
        key = _presented_key(request)
        principal = keys.principal_for(key) if key else None
        return (principal, None) if principal else None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return "Bearer"


def _presented_key(request: Request) -> bytes:
    """Return the Bearer credential if there is one, else the X-Kneo-Api-Key header."""
    scheme, _, credential = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    is_bearer = scheme.lower() == "bearer" and bool(credential.strip())
    key: str = credential if is_bearer else request.META.get("HTTP_X_KNEO_API_KEY", "")
    return key.strip().encode("latin-1", "replace")
