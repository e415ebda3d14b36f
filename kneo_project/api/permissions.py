"""What a caller needs: one scope per route and method, declared by the view."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kneo_project.errors import Forbidden, Unauthorized
from kneo_project.principals import Principal

if TYPE_CHECKING:
    # rest_framework.views imports this module while it is being imported: the setting names it.
    from rest_framework.views import APIView

type Scopes = str | tuple[str, ...] | None


class ScopedView(Protocol):
    """A view that says what it needs; a missing attribute raises, so that a careless view stays closed."""

    @property
    def required_scope(self) -> Scopes:
        """The scope of every method; of several, any one suffices; None is public."""

    @property
    def required_scopes(self) -> Mapping[str, Scopes] | None:
        """The scope per method, where they differ."""


def scopes_needed(view: ScopedView, method: str | None) -> tuple[str, ...]:
    """Return the scopes of which any one suffices; empty for a public route."""
    if view.required_scopes:
        declared = view.required_scopes["GET" if method == "HEAD" else str(method)]
    else:
        declared = view.required_scope
    if declared is None:
        return ()
    return (declared,) if isinstance(declared, str) else declared


def principal_of(request: Request) -> Principal | None:
    """Return who calls; None on a public route, when no accepted key was presented."""
    return cast("Principal | None", request.user)


def actor_of(request: Request) -> str:
    """Return the name of the caller that the audit log keeps; the route has a scope."""
    principal = principal_of(request)
    if principal is None:
        raise AssertionError("a scoped route without a principal")
    return principal.name


class HasScope(BasePermission):
    """Lets a request pass when its principal holds the scope its view declares."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return True, or refuse.

        Raises:
            Unauthorized: the route needs a scope and no accepted key was presented.
            Forbidden: the key is known and does not grant the scope.
        """
        needed = scopes_needed(cast("ScopedView", view), request.method)
        principal = principal_of(request)
        if needed and principal is None:
            raise Unauthorized
        if needed and principal and not any(principal.allows(scope) for scope in needed):
            raise Forbidden(required_scope=needed[0])
        return True
