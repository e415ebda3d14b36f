"""Logging in to the admin: put on record, and slowed down for those who guess."""

from math import ceil
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from limits import RateLimitItemPerMinute

from kneo_project.audit.services import record
from kneo_project.audit.sparing import record_sparingly
from kneo_project.client_addresses import client_address, client_network
from kneo_project.rates import Rate, counts
from kneo_project.site.config import THROTTLED

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
else:
    from unfold.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """The admin's own form. After some failures a user name is refused for a while, to whom it failed for."""

    def clean(self) -> dict[str, Any]:
        """Check user name and password.

        Raises:
            ValidationError: they are wrong, or were wrong too often to be looked at.
        """
        name = self.cleaned_data.get("username")
        if (request := self.request) is None or not name or not self.cleaned_data.get("password"):
            return super().clean()
        who = ("login", name, client_network(request))
        failures = RateLimitItemPerMinute(settings.LOGIN_FAILURES, settings.LOGIN_REST_MINUTES)
        tries = counts().hit(failures, *who)
        if tries is not None and tries.is_exceeded:
            raise _too_many(tries)
        try:
            cleaned = super().clean()
        except ValidationError:
            _record_failure(request, name)
            raise
        counts().forget(failures, *who)
        record("admin.login", actor=name, metadata={"client_ip": client_address(request)})
        return cleaned


def _record_failure(request: HttpRequest, name: str) -> None:
    # People type passwords where their name belongs: only names of users are kept.
    is_known = get_user_model().objects.filter(username=name).exists()
    user = name if is_known else "(unknown)"
    facts = {"user": user, "client_ip": client_address(request)}
    record_sparingly("admin.login_failed", client_network(request), user, actor=None, metadata=facts)


def _too_many(tries: Rate) -> ValidationError:
    minutes = ceil(tries.reset_seconds / 60)
    return ValidationError(
        f"Too many failed attempts. Try again in {minutes} min.",
        code=THROTTLED,
        params={"seconds": tries.reset_seconds},
    )
