"""Finds out who calls, from the API key or the token in a request's headers."""

from functools import cache
from importlib import import_module
from typing import Protocol, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kneo_project.api.permissions import ScopedView, scopes_needed
from kneo_project.oidc import looks_like_token, trust
from kneo_project.principals import ANONYMOUS, ENVIRON_KEY, Principal, keyring


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the principal of a request.

    An unknown key is no error here: a public route answers anybody, and the permission refuses everybody else.
    """

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        """Return the principal, or None when no accepted key was presented."""
        if (known := request.META.get(ENVIRON_KEY)) is not None:
            return known, None
        keys, stored = keyring(), None if _is_public(request) else _stored_keys()
        if not keys.is_enforced and not (stored and stored.usage.is_in_use()):
            return ANONYMOUS, None
        key = presented_key(request)
        principal = keys.principal_for(key) if key else None
        if principal is None and stored is not None and key:
            trusted = trust() if looks_like_token(key) else None
            principal = (trusted or stored).principal_for(key)
        return (principal, None) if principal else None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return "Bearer"


def _is_public(request: Request) -> bool:
    """Return whether the route answers anybody: a probe must ask neither the database nor a provider who calls."""
    view = (request.parser_context or {}).get("view")
    return not hasattr(view, "required_scopes") or not scopes_needed(cast("ScopedView", view), request.method)


class Usage(Protocol):
    """Whether callers need a key because some are kept in the database."""

    def is_in_use(self) -> bool:
        """Return whether there ever was one."""


class StoredKeys(Protocol):
    """The keys of the database."""

    usage: Usage

    def principal_for(self, key: bytes) -> Principal | None:
        """Return who holds ``key``."""


@cache
def _stored_keys() -> StoredKeys:
    """Return the app of the keys, which is above this layer and needs the models."""
    return cast("StoredKeys", import_module("kneo_project.apikeys.services"))


def presented_key(request: Request) -> bytes:
    """Return the Bearer credential if there is one, else the X-Kneo-Api-Key header."""
    scheme, _, credential = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    is_bearer = scheme.lower() == "bearer" and bool(credential.strip())
    key: str = credential if is_bearer else request.META.get("HTTP_X_KNEO_API_KEY", "")
    return key.strip().encode("latin-1", "replace")
