"""The same key from the same principal gets the same run and the same answer, however often it is sent."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError

from kneo_project.errors import KneoError
from runs.errors import IdempotencyKeyConflict, InvalidIdempotencyKey
from runs.models import IdempotencyRecord, Run

MAX_KEY_CHARS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One caller's promise not to mean two things by the same word. ``request_hash`` is of the validated body."""

    principal: str
    scope: str
    key: str
    request_hash: str


def word_in(header: str | None) -> str | None:
    """Return the word that ``header`` gives, or None when it gives none. Raises InvalidIdempotencyKey."""
    word = (header or "").strip()
    if len(word) > MAX_KEY_CHARS:
        raise InvalidIdempotencyKey
    return word or None


def key_of(word: str | None, *, principal: str, scope: str, payload: Mapping[str, Any]) -> Key | None:
    """Return the key of the request ``payload`` under ``word``, or None when there is none."""
    if word is None:
        return None
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return Key(principal=principal, scope=scope, key=word, request_hash=digest)


def find(key: Key | None) -> IdempotencyRecord | None:
    """Return what was promised under ``key`` before. Raises IdempotencyKeyConflict when it was another request."""
    if key is None:
        return None
    records = IdempotencyRecord.objects.select_related("run")
    record = records.filter(principal=key.principal, scope=key.scope, key=key.key).first()
    if record is not None and record.request_hash != key.request_hash:
        raise IdempotencyKeyConflict(scope=key.scope)
    return record


def once(key: Key | None, act: Callable[[], Run]) -> tuple[Run, IdempotencyRecord | None]:
    """Return the run that ``act`` makes, or the one made before under ``key`` with what was promised for it.

    Two requests with the same key may arrive at once: the database lets one bind it, and the other finds the first,
    whether it failed at the key or at what the first had changed already.
    """
    promised = find(key)
    if promised is None:
        try:
            return act(), None
        except (IntegrityError, KneoError):
            promised = find(key)
            if promised is None:
                raise
    return promised.run, promised


def bind(key: Key | None, run: Run) -> None:
    """Bind ``key`` to ``run``, in the caller's transaction. Raises IntegrityError when somebody else just did."""
    if key is not None:
        IdempotencyRecord.objects.create(
            principal=key.principal, scope=key.scope, key=key.key, request_hash=key.request_hash, run=run
        )


def keep_answer(key: Key | None, *, status_code: int, response: str) -> None:
    """Keep the first answer given under ``key``, to be given again byte for byte. ``response`` is its JSON text."""
    if key is not None:
        waiting = IdempotencyRecord.objects.filter(
            principal=key.principal, scope=key.scope, key=key.key, response__isnull=True
        )
        waiting.update(status_code=status_code, response=response)
