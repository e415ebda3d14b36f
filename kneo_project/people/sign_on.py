"""People whom an identity provider vouches for, at the operators' site: OpenID Connect's code flow, with PKCE.

The steps are mozilla-django-oidc's. Ours is whom to believe (as the API does, ``kneo_project/oidc.py``), who that is
here, and what they may: the groups of the roles that the provider tells of, at each login.
"""

from collections.abc import Mapping
from typing import Any

import requests
import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from kneo_project.audit.services import record
from kneo_project.audit.sparing import record_sparingly
from kneo_project.client_addresses import client_address, client_network
from kneo_project.errors import IdentityProviderUnavailable
from kneo_project.oidc import TIMEOUT_SECONDS, Trust, client_trust, endpoint
from kneo_project.people.groups import GROUPS
from kneo_project.principals import EVERY_SCOPE

# Whoever lost a role at the provider keeps it here no longer than this.
SESSION_SECONDS = 8 * 60 * 60
LONGEST_USER_NAME = 150
REFUSED = "The identity provider did not vouch for you, or gave you no role here. Ask who looks after it."
AWAY = "The identity provider does not answer. Try again soon, or log in with a password."

logger = structlog.stdlib.get_logger("kneo_serv.service")


def library_setting(name: str, *default: object) -> object:
    """Return what the library would read in Django's settings."""
    if name == "OIDC_OP_TOKEN_ENDPOINT":
        return endpoint("token_endpoint")
    ours = {
        "OIDC_RP_CLIENT_ID": settings.OIDC_CLIENT_ID,
        "OIDC_RP_CLIENT_SECRET": settings.OIDC_CLIENT_SECRET,
        "OIDC_RP_SCOPES": "openid profile email",
        "OIDC_AUTHENTICATION_CALLBACK_URL": "sign-on-answer",
        "OIDC_USE_PKCE": True,
        "OIDC_TIMEOUT": TIMEOUT_SECONDS,
        "LOGIN_REDIRECT_URL": "admin:index",
    }
    return ours.get(name, default[0] if default else None)


class ProviderBackend(OIDCAuthenticationBackend):  # type: ignore[misc] # the library has no types
    """Finds out who comes from the provider. People with passwords are the other backend's business."""

    get_settings = staticmethod(library_setting)

    def __init__(self) -> None:
        # One is made for each request with a session: the provider is not asked before somebody logs in.
        self.UserModel = User

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return who comes with the provider's answer; None where that is not what is presented.

        Raises:
            SuspiciousOperation: the token is not one for us and for this login.
            requests.RequestException, IdentityProviderUnavailable: the provider cannot be asked, or refuses.
        """
        if not credentials.get("nonce") or not credentials.get("code_verifier") or client_trust() is None:
            return None
        super().__init__()
        person: User | None = super().authenticate(request, **credentials)
        return person

    def verify_token(self, token: str | None, **expected: Any) -> dict[str, Any]:
        """Return what the token says."""
        trust = client_trust()
        claims = trust.claims_of(token.encode()) if trust and isinstance(token, str) else None
        if trust is None or claims is None or claims.get("nonce") != expected["nonce"]:
            raise SuspiciousOperation("The identity provider's token is not one for us and for this login.")
        if claims.get("azp", trust.audience) != trust.audience:
            raise SuspiciousOperation("The identity provider's token was made for another client.")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: Mapping[str, Any]) -> User | None:
        """Return whom the claims are about, with the groups of their roles."""
        trust = client_trust()
        return _person(trust, payload) if trust else None


@transaction.atomic
def _person(trust: Trust, claims: Mapping[str, Any]) -> User | None:
    name, groups = trust.name_in(claims), _groups(trust.grants_in(claims))
    if name is None or len(name) > LONGEST_USER_NAME or not groups:
        return None
    person, is_new = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    if is_new:
        person.set_unusable_password()
        record("user.created", actor=name, metadata={"user": name, "groups": groups})
    person.is_staff = True
    person.first_name, person.last_name = (_short(claims.get(claim)) for claim in ("given_name", "family_name"))
    person.save()
    held = set(person.groups.filter(name__in=GROUPS).values_list("name", flat=True))
    person.groups.remove(*Group.objects.filter(name__in=held - set(groups)))
    person.groups.add(*Group.objects.filter(name__in=set(groups) - held))
    return person


def _groups(grants: list[str]) -> list[str]:
    return sorted(
        name for name, role in GROUPS.items() if role in grants or (role == "admin" and EVERY_SCOPE in grants)
    )


def _short(name: object) -> str:
    return name[:LONGEST_USER_NAME] if isinstance(name, str) and name.isprintable() else ""


class SignOnView(OIDCAuthenticationRequestView):  # type: ignore[misc] # the library has no types
    """Sends somebody to the provider."""

    get_settings = staticmethod(library_setting)

    def __init__(self, **options: Any) -> None:
        # The library's own asks for the provider's address before there is a request to answer.
        super(OIDCAuthenticationRequestView, self).__init__(**options)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Lead there, or back to the login with the reason why not."""
        trust = client_trust()
        if trust is None:
            raise Http404
        try:
            self.OIDC_OP_AUTH_ENDPOINT = endpoint("authorization_endpoint")
        except IdentityProviderUnavailable:
            return _back(request, AWAY)
        self.OIDC_RP_CLIENT_ID = trust.audience
        response: HttpResponse = super().get(request)
        return response


class SignOnAnswerView(OIDCAuthenticationCallbackView):  # type: ignore[misc] # the library has no types
    """Takes whom the provider sends back."""

    get_settings = staticmethod(library_setting)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Log them in, or lead back to the login with the reason why not."""
        if client_trust() is None:
            raise Http404
        try:
            response: HttpResponse = super().get(request)
        except (SuspiciousOperation, requests.RequestException, IdentityProviderUnavailable) as error:
            is_refused = isinstance(error, SuspiciousOperation) or _has_refused(error)
            logger.warning("sign_on_failed", reason=type(error).__name__, is_refused=is_refused)
            return self.login_failure() if is_refused else _back(request, AWAY)
        return response

    def login_success(self) -> HttpResponse:
        """Let them in, for a working day."""
        response: HttpResponse = super().login_success()
        self.request.session.set_expiry(SESSION_SECONDS)
        facts = {"client_ip": client_address(self.request), "by": "identity provider"}
        record("admin.login", actor=self.user.get_username(), metadata=facts)
        return response

    def login_failure(self) -> HttpResponse:
        """Put it on record, and say so on the page of the login."""
        facts = {"user": "(unknown)", "client_ip": client_address(self.request), "by": "identity provider"}
        record_sparingly("admin.login_failed", client_network(self.request), "sign-on", actor=None, metadata=facts)
        return _back(self.request, REFUSED)


def _has_refused(error: Exception) -> bool:
    """Whether the provider answered, and its answer was no: the code is not one, or not for us."""
    status = getattr(getattr(error, "response", None), "status_code", 500)
    return bool(status < 500)


def _back(request: HttpRequest, sentence: str) -> HttpResponse:
    messages.error(request, sentence)
    return HttpResponseRedirect(reverse("admin:login"))
