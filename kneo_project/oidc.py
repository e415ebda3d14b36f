"""Callers whom an identity provider vouches for: with OpenID Connect, a signed token stands in place of a key.

People come to the operators' site with one, too: ``kneo_project/people/sign_on.py``.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from kneo_project.client_addresses import is_loopback
from kneo_project.errors import IdentityProviderUnavailable
from kneo_project.principals import ROLES, SCOPES, Principal, is_grant, scopes_of

# What a provider signs with a key of its own. One that both sides know (HS256) would let us forge tokens, and others
# forge them with the public key.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 30
TIMEOUT_SECONDS = 5
PATIENCE_SECONDS = 1
KEYS_LAST_SECONDS = 600
ASK_AGAIN_SECONDS = 30
REST_SECONDS = 5
LONGEST_NAME = 200
# Keys are named by who configured us and people by the provider: neither must be able to pass for the other.
NAME_PREFIX = "oidc:"
_asking = threading.Lock()

logger = structlog.stdlib.get_logger("kneo_serv.service")


class ProviderKeys(jwt.PyJWKClient):
    """The keys of a provider. They are asked for when needed, and seldom: callers choose the ids that are looked up."""

    def __init__(self, issuer: str, url: str) -> None:
        self._issuer = issuer
        self._is_located = bool(url)
        self._rests_until = 0.0
        self._asking = threading.Lock()
        super().__init__(
            url or _discovery_url(issuer),
            lifespan=KEYS_LAST_SECONDS,
            timeout=TIMEOUT_SECONDS,
            cooldown_duration=ASK_AGAIN_SECONDS,
        )

    def get_signing_key(self, kid: str) -> jwt.PyJWK:
        """Return the key of that id: one that is known at once, also while another thread waits for the provider.

        Raises:
            IdentityProviderUnavailable: others wait for the provider already, and too many threads must not.
        """
        cached = self.jwk_set_cache.get() if self.jwk_set_cache else None
        usable = [key for key in cached.keys if key.public_key_use in {"sig", None}] if cached else []
        if known := self.match_kid(usable, kid):
            return known
        if not self._asking.acquire(timeout=PATIENCE_SECONDS):
            raise IdentityProviderUnavailable
        try:
            return super().get_signing_key(kid)
        finally:
            self._asking.release()

    def fetch_data(self) -> object:
        """Return the provider's answer.

        Raises:
            IdentityProviderUnavailable: there is none, or none that makes sense; for a while nobody asks again.
        """
        if time.monotonic() < self._rests_until:
            raise IdentityProviderUnavailable
        try:
            if not self._is_located:
                self.uri, self._is_located = _discovered(self.uri, self._issuer), True
            return super().fetch_data()
        except (jwt.PyJWTError, httpx2.HTTPError, OSError, ValueError) as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            logger.warning("identity_provider_unavailable", url=self.uri, reason=f"{type(error).__name__}: {error}")
            raise IdentityProviderUnavailable from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose tokens are accepted, and what is read in them."""

    issuer: str
    audience: str
    keys: ProviderKeys
    name_claim: str
    role_claim: str
    grants: Mapping[str, Sequence[str]]

    def principal_for(self, token: bytes) -> Principal | None:
        """Return who holds ``token``, if it is one of the provider's, for us, and valid now.

        Raises:
            IdentityProviderUnavailable: the provider's keys are needed and cannot be had.
        """
        claims = self.claims_of(token)
        name = self.name_in(claims) if claims else None
        if claims is None or name is None:
            return None
        return Principal(name=name, scopes=frozenset[str]().union(*map(scopes_of, self.grants_in(claims))))

    def name_in(self, claims: Mapping[str, Any]) -> str | None:
        """Return what we call whom the claims are about; None if they name nobody."""
        name = _claim(claims, self.name_claim)
        return f"{NAME_PREFIX}{name}" if _is_name(name) else None

    def grants_in(self, claims: Mapping[str, Any]) -> list[str]:
        """Return the roles and scopes that the claims tell of."""
        return [grant for word in _words(_claim(claims, self.role_claim)) for grant in self.grants.get(word, ())]

    def claims_of(self, token: bytes) -> dict[str, Any] | None:
        """Return what a token says, if it is one of the provider's, for us, and valid now.

        Raises:
            IdentityProviderUnavailable: the provider's keys are needed and cannot be had.
        """
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str):
                return None
            return jwt.decode(
                token,
                self.keys.get_signing_key(header["kid"]),
                ALGORITHMS,
                options={"require": ["exp", "iss", "aud"]},
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            return None


def trust() -> Trust | None:
    """Return whose tokens the settings accept, if anybody's.

    Raises:
        ImproperlyConfigured: the settings make no sense.
    """
    if not settings.OIDC_ISSUER and not settings.OIDC_AUDIENCE and not settings.OIDC_JWKS_URL:
        return None
    return _trust(
        settings.OIDC_ISSUER,
        settings.OIDC_AUDIENCE,
        settings.OIDC_JWKS_URL,
        settings.OIDC_NAME_CLAIM,
        settings.OIDC_ROLE_CLAIM,
        settings.OIDC_ROLE_MAP,
    )


def client_trust() -> Trust | None:
    """Return whose tokens let people log in to the operators' site: those that were made for our client there.

    Raises:
        ImproperlyConfigured: the settings make no sense.
    """
    if not settings.OIDC_CLIENT_ID and not settings.OIDC_CLIENT_SECRET:
        return None
    of_api = trust()
    if of_api is None or not settings.OIDC_CLIENT_ID or not settings.OIDC_CLIENT_SECRET:
        raise ImproperlyConfigured(
            "KNEO_SERV_OIDC_CLIENT_ID and KNEO_SERV_OIDC_CLIENT_SECRET belong together, and to KNEO_SERV_OIDC_ISSUER."
        )
    return replace(of_api, audience=settings.OIDC_CLIENT_ID)


def endpoint(name: str) -> str:
    """Return the address that the provider publishes as ``name``, such as ``token_endpoint``.

    Raises:
        IdentityProviderUnavailable: the provider does not answer, or not with a safe address.
    """
    told = _published(settings.OIDC_ISSUER, int(time.monotonic() // REST_SECONDS))
    where = told.get(name) if told else None
    if not isinstance(where, str) or not _is_safe(where):
        raise IdentityProviderUnavailable
    return where


def looks_like_token(credential: bytes) -> bool:
    """Return whether a credential has the three parts of a signed token; no key of ours has."""
    return credential.count(b".") == 2


@lru_cache(maxsize=8)
def _trust(
    issuer: str, audience: str, keys_url: str, name_claim: str, role_claim: str, mapped: tuple[str, ...]
) -> Trust:
    if not issuer or not audience:
        raise ImproperlyConfigured(
            "KNEO_SERV_OIDC_ISSUER and KNEO_SERV_OIDC_AUDIENCE belong together: without the audience, a token that the "
            "issuer made for another service would open this one."
        )
    for name, url in (("ISSUER", issuer), ("JWKS_URL", keys_url)):
        if url and not _is_safe(url):
            raise ImproperlyConfigured(f"KNEO_SERV_OIDC_{name} must be an https address (http on this machine only).")
    return Trust(
        issuer=issuer,
        audience=audience,
        keys=ProviderKeys(issuer, keys_url),
        name_claim=name_claim,
        role_claim=role_claim,
        grants=dict(_mapped(mapped)) or {role: (role,) for role in ROLES},
    )


def _mapped(entries: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for position, entry in enumerate(entries, start=1):
        word, _, names = entry.rpartition("=")
        grants = tuple(name.strip() for name in names.split("+"))
        if not word.strip() or not all(map(is_grant, grants)):
            raise ImproperlyConfigured(
                f"KNEO_SERV_OIDC_ROLE_MAP entry {position} must read value=role[+role...]; roles are "
                f"{', '.join(ROLES)}, and scopes may be named as well: {', '.join(sorted(SCOPES))}."
            )
        yield word.strip(), grants


@lru_cache(maxsize=2)
def _published(issuer: str, _period: int) -> dict[str, Any] | None:
    """Return what the provider publishes; None if it does not answer, which is not asked again in the same period."""
    if not _asking.acquire(timeout=PATIENCE_SECONDS):
        raise IdentityProviderUnavailable
    try:
        return _document(_discovery_url(issuer), issuer)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        logger.warning("identity_provider_unavailable", url=issuer, reason=f"{type(error).__name__}: {error}")
        return None
    finally:
        _asking.release()


def _discovery_url(issuer: str) -> str:
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _document(url: str, issuer: str) -> dict[str, Any]:
    answer = httpx2.get(url, timeout=TIMEOUT_SECONDS, follow_redirects=False)
    answer.raise_for_status()
    told = answer.json()
    if not isinstance(told, dict) or told.get("issuer") != issuer:
        raise ValueError("the discovery document is about another issuer")
    return told


def _discovered(url: str, issuer: str) -> str:
    where = _document(url, issuer).get("jwks_uri")
    if not isinstance(where, str) or not _is_safe(where):
        raise ValueError("the discovery document names no https address of keys")
    return where


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or "")))


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """Return the claim of that name, which may itself have dots, or else the one at the path."""
    if path in claims:
        return claims[path]
    value: object = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _words(claim: object) -> list[str]:
    """Return the words of a list, or of a text such as ``scope`` has."""
    if isinstance(claim, str):
        return list(dict.fromkeys([claim, *claim.split()]))
    return [word for word in claim if isinstance(word, str)] if isinstance(claim, list) else []


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable() and not name.isspace()
