"""Who may call, and what they may: the API keys of the settings, their roles and scopes."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

EVERY_SCOPE = "*"
# Where a server in the same process says who calls. No header can: those begin with HTTP_.
ENVIRON_KEY = "kneo.principal"
_READS = frozenset({"runs:read", "human:read", "audit:read"})
_OPERATES = _READS | {"runs:write", "specs:read", "credentials:read", "policies:read", "schedules:read"}
ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset({EVERY_SCOPE}),
    "operator": _OPERATES | {"policies:write", "schedules:write", "webhooks:read", "webhooks:write"},
    "service": _OPERATES | {"human:write", "audit:write"},
    "reviewer": _READS | {"human:write"},
    "viewer": _READS | {"specs:read", "schedules:read"},
}
SCOPES = frozenset[str]().union(*ROLES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls: the name the audit log keeps, and the scopes granted."""

    name: str
    scopes: frozenset[str]

    def allows(self, scope: str) -> bool:
        """Whether ``scope`` was granted."""
        return scope in self.scopes or EVERY_SCOPE in self.scopes


ANONYMOUS = Principal(name="anonymous", scopes=frozenset({EVERY_SCOPE}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One accepted key. Only its digest is kept: all digests are equally long, and none can be printed by accident."""

    digest: bytes = field(repr=False)
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Every accepted key, in the order of configuration. An identity provider makes them needed, too."""

    entries: tuple[_Entry, ...]
    is_enforced: bool
    has_shadowed_admin_key: bool = False

    def principal_for(self, key: bytes) -> Principal | None:
        """Return who holds ``key``. Looks at every entry, so that time tells nothing; the first wins."""
        presented = sha256(key).digest()
        matches = [each.principal for each in self.entries if hmac.compare_digest(each.digest, presented)]
        return matches[0] if matches else None


def is_grant(word: str) -> bool:
    """Return whether ``word`` is a role or a scope."""
    return word in ROLES or word in SCOPES


def scopes_of(grant: str) -> frozenset[str]:
    """Return the scopes of a role, or the scope itself."""
    return ROLES.get(grant, frozenset({grant}))


def keyring() -> Keyring:
    """Return the accepted keys of the current settings.

    Raises:
        ImproperlyConfigured: the settings make no sense. The message names the entry by position and never a key.
    """
    has_provider = bool(settings.OIDC_ISSUER)
    return _keyring(settings.API_KEYS, settings.ADMIN_API_KEY, settings.AUTH_ENABLED, has_provider)


@lru_cache(maxsize=8)
def _keyring(listed: str, admin_key: str, required: bool, has_provider: bool) -> Keyring:  # noqa: FBT001 (cached by position)
    entries = list(_listed_entries(listed))
    shadowed = bool(admin_key) and any(each.digest == _digest(admin_key) for each in entries)
    if admin_key:
        entries.append(_Entry(digest=_digest(admin_key), principal=Principal(name="admin", scopes=ROLES["admin"])))
    if required and not entries and not has_provider:
        raise ImproperlyConfigured(
            "KNEO_SERV_AUTH_ENABLED is on but there is no API key: set KNEO_SERV_API_KEYS or KNEO_SERV_ADMIN_API_KEY."
        )
    return Keyring(entries=tuple(entries), is_enforced=bool(entries) or has_provider, has_shadowed_admin_key=shadowed)


def _listed_entries(listed: str) -> Iterator[_Entry]:
    for position, text in enumerate(listed.split(";"), start=1):
        if text.strip():
            yield _entry(text, position)


def _entry(text: str, position: int) -> _Entry:
    name, key, grants = _fields(text, position)
    scopes: set[str] = set()
    for number, grant in enumerate((word.strip() for word in grants.split(",")), start=1):
        if not grant:
            continue
        if not is_grant(grant):
            raise ImproperlyConfigured(
                f"KNEO_SERV_API_KEYS entry {position}: grant {number} is neither a role ({', '.join(ROLES)}) "
                f"nor a scope ({', '.join(sorted(SCOPES))})."
            )
        scopes |= scopes_of(grant)
    return _Entry(digest=_digest(key), principal=Principal(name=name, scopes=frozenset(scopes)))


def _fields(text: str, position: int) -> tuple[str, str, str]:
    fields = [part.strip() for part in text.split(":", 2)]
    if len(fields) < 3 or not fields[0] or not fields[1]:
        raise ImproperlyConfigured(
            f"KNEO_SERV_API_KEYS entry {position} must read name:key:grant[,grant...], with a name and a key."
        )
    return fields[0], fields[1], fields[2]


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
