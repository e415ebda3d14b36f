"""How many requests a minute: of each principal, and of each address that nobody is known by."""

from typing import TYPE_CHECKING, cast

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kneo_project.api.permissions import ScopedView, principal_of, scopes_needed
from kneo_project.client_addresses import client_network
from kneo_project.errors import RateLimited
from kneo_project.principals import ANONYMOUS, ENVIRON_KEY
from kneo_project.rates import counts

if TYPE_CHECKING:
    # rest_framework.views imports this module while it is being imported: the setting names it.
    from rest_framework.views import APIView


class WithinRate(BasePermission):
    """Lets a request pass as long as there are few enough. Public routes, probes among them, are not counted."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return True, or refuse.

        Raises:
            RateLimited: there were too many within a minute.
        """
        is_counted = scopes_needed(cast("ScopedView", view), request.method) and ENVIRON_KEY not in request.META
        limit, *who = _limit_of(request)
        rate = counts().hit(limit, *who) if is_counted and limit.amount else None
        if rate is None:
            return True
        view.headers |= {
            "RateLimit-Limit": str(rate.limit),
            "RateLimit-Remaining": str(rate.remaining),
            "RateLimit-Reset": str(rate.reset_seconds),
        }
        if rate.is_exceeded:
            raise RateLimited(retry_after_seconds=rate.reset_seconds, limit=rate.limit)
        return True


def _limit_of(request: Request) -> tuple[RateLimitItem, str, str]:
    principal = principal_of(request)
    if principal is None:
        return RateLimitItemPerMinute(settings.RATE_LIMIT_ANONYMOUS), "refused", client_network(request)
    # Without keys everybody has the same name.
    name = client_network(request) if principal is ANONYMOUS else principal.name
    return RateLimitItemPerMinute(settings.RATE_LIMIT), "principal", name
