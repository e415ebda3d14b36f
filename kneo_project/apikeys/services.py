"""Making, revoking and recognising the API keys of the database."""

import hmac
import re
import secrets
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from kneo_project.apikeys.models import ApiKey
from kneo_project.audit.services import record
from kneo_project.errors import InvalidRequest, NotFound
from kneo_project.principals import ROLES, SCOPES, Principal, is_grant, scopes_of

KEY = re.compile(rb"kneo_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
USE_IS_NOTED_EVERY = timedelta(minutes=1)
LOOK_AGAIN_SECONDS = 5.0


def create_key(name: str, grants: Sequence[str], *, expires_at: datetime | None, actor: str) -> tuple[ApiKey, str]:
    """Make a key for the principal ``name``; return it, and the key itself, which nobody can show again.

    Raises:
        InvalidRequest: the name is empty, a grant is neither a role nor a scope, or the key would have expired already.
    """
    wrong = [grant for grant in grants if not is_grant(grant)]
    if not name.strip() or not grants or wrong:
        what = f"{', '.join(map(repr, wrong))} is neither" if wrong else "It needs a name, and a role or a scope"
        raise InvalidRequest(f"{what}; roles are {', '.join(ROLES)}, scopes {', '.join(sorted(SCOPES))}.")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidRequest("A key must expire in the future.")
    prefix = secrets.token_hex(4)
    key = f"kneo_{prefix}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        row = ApiKey.objects.create(
            prefix=prefix,
            digest=_digest(key.encode()),
            name=name.strip(),
            grants=list(dict.fromkeys(grants)),
            expires_at=expires_at,
            created_by=actor,
        )
        record("apikey.created", actor=actor, metadata=_facts(row))
    return row, key


def revoke_key(prefix: str, *, actor: str) -> ApiKey:
    """Let the key that begins with ``prefix`` open nothing any more, at once; one that was revoked stays so.

    Raises:
        NotFound: there is none.
    """
    with transaction.atomic():
        row = ApiKey.objects.select_for_update().filter(prefix=prefix).first()
        if row is None:
            raise NotFound(f"There is no API key {prefix!r}.")
        if row.revoked_at is None:
            row.revoked_at = timezone.now()
            row.save(update_fields=["revoked_at"])
            record("apikey.revoked", actor=actor, metadata=_facts(row))
    return row


def principal_for(key: bytes) -> Principal | None:
    """Return who holds ``key``, if it is one of the database that may be used; that it was used is noted."""
    found = KEY.fullmatch(key)
    if found is None:
        return None
    row = ApiKey.objects.usable().filter(prefix=found[1].decode()).first()
    if row is None or not hmac.compare_digest(bytes(row.digest), _digest(key)):
        return None
    _note_use(row)
    return Principal(name=row.name, scopes=frozenset[str]().union(*map(scopes_of, row.grants)))


class _Usage:
    """Whether there ever was a key in the database. Once there was, callers need one: also when all are revoked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_in_use = False
        self._looked_at = -LOOK_AGAIN_SECONDS

    def is_in_use(self) -> bool:
        with self._lock:
            if not self._is_in_use and time.monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
                self._is_in_use = ApiKey.objects.exists()
                self._looked_at = time.monotonic()
            return self._is_in_use

    def forget(self) -> None:
        self._is_in_use, self._looked_at = False, -LOOK_AGAIN_SECONDS


usage = _Usage()


def _note_use(row: ApiKey) -> None:
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
    ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=now)


def _digest(key: bytes) -> bytes:
    """Keys are random and long, so that a fast digest is as good as a slow one."""
    return sha256(key).digest()


def _facts(row: ApiKey) -> dict[str, object]:
    expires = row.expires_at and row.expires_at.isoformat()
    return {"prefix": row.prefix, "name": row.name, "grants": row.grants, "expires_at": expires}
