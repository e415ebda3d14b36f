"""The same key from the same principal gets the same run and the same answer, however often it is sent."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError

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


def key_of(header: str | None, *, principal: str, scope: str, payload: Mapping[str, Any]) -> Key | None:
    """Return the key that ``header`` names, or None when it names none. Raises InvalidIdempotencyKey."""
    word = (header or "").strip()
    if not word:
        return None
    if len(word) > MAX_KEY_CHARS:
        raise InvalidIdempotencyKey
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

    Two requests with the same key may arrive at once: the database lets one bind it, and the other finds the first.
    """
    promised = find(key)
    if promised is None:
        try:
            return act(), None
        except IntegrityError:
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


def keep_answer(key: Key | None, *, status_code: int, response: Mapping[str, Any]) -> None:
    """Keep the first answer given under ``key``, to be given again."""
    if key is not None:
        waiting = IdempotencyRecord.objects.filter(
            principal=key.principal, scope=key.scope, key=key.key, response__isnull=True
        )
        waiting.update(status_code=status_code, response=response)
