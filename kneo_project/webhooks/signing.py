"""Secrets of subscriptions, and what they sign: the scheme of the Standard Webhooks specification, version 1."""

import base64
import hmac
import secrets
import uuid
from collections.abc import Iterable
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken
from django.utils.crypto import salted_hmac

PREFIX = "whsec_"
SECRET_BYTES = 32
_SALT = "kneo_project.webhooks.signing"


class SecretUnreadable(Exception):
    """The secret cannot be read: it was sealed under another KNEO_SERV_SECRET_KEY. Rotate it."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


def new_secret() -> str:
    """Return a fresh secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sealed(secret: str) -> str:
    """Return ``secret`` as it is kept: a copy of the database alone signs nothing."""
    return _safe().encrypt(secret.encode()).decode()


def unsealed(kept: str) -> str:
    """Return the secret that was ``sealed``. Raises SecretUnreadable."""
    try:
        return _safe().decrypt(kept.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable from None


def is_readable(kept: str) -> bool:
    """Return whether the secret was sealed under the KNEO_SERV_SECRET_KEY of today."""
    try:
        unsealed(kept)
    except SecretUnreadable:
        return False
    return True


def signed_headers(delivery_id: uuid.UUID, timestamp: int, body: bytes, secrets_: Iterable[str]) -> dict[str, str]:
    """Return the headers that prove that ``body`` is ours, with a signature for each of ``secrets_``."""
    content = f"{delivery_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": str(delivery_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(content, secret) for secret in secrets_),
    }


def _signature(content: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, sha256)).decode()


def _safe() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac(_SALT, "secrets", algorithm="sha256").digest()))
