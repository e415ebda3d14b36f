"""An identity provider on the loopback address: it publishes its keys, and signs what it is told to."""

import json
import threading
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.stubs.web_server import Asked, Page, WebServer

AUDIENCE = "kneo"
type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def made(algorithm: str) -> Key:
    """Return a key for ``algorithm``, always the same: making one takes a while."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


class IdentityProvider(WebServer):
    """A context manager: ``asked`` are the requests for its documents, which it refuses while it ``is_down``; until it
    ``goes_on`` it leaves them unanswered.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.is_down = False
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_waited_for = threading.Event()
        self.names_itself: str | None = None
        self.keys: dict[str, tuple[str, Key]] = {}
        self.add("first", "RS256")

    @property
    def issuer(self) -> str:
        """Who it says it is."""
        return self.url("/tenant")

    def add(self, kid: str, algorithm: str) -> None:
        """Publish a key."""
        self.keys[kid] = (algorithm, made(algorithm))

    def token(self, kid: str = "first", /, **claims: object) -> str:
        """Return a token of Alice's for us, a viewer, but for what ``claims`` say; a claim that is None is left out."""
        algorithm, key = self.keys[kid]
        return jwt.encode(self.claims(**claims), key, algorithm, headers={"kid": kid})

    def claims(self, **claims: object) -> dict[str, Any]:
        """Return the claims of such a token."""
        told = {"iss": self.issuer, "aud": AUDIENCE, "sub": "alice", "exp": int(time.time()) + 600, "roles": ["viewer"]}
        return {name: value for name, value in (told | claims).items() if value is not None}

    def _answer(self, asked: Asked) -> Page:
        if not self.goes_on.is_set():
            self.is_waited_for.set()
            self.goes_on.wait(30)
        if self.is_down:
            return Page(status=500)
        if asked.path == "/tenant/.well-known/openid-configuration":
            told: dict[str, Any] = {"issuer": self.names_itself or self.issuer, "jwks_uri": self.url("/keys")}
        else:
            told = {"keys": [_published(kid, *entry) for kid, entry in self.keys.items()]}
        return Page(body=json.dumps(told).encode())


def _published(kid: str, algorithm: str, key: Key) -> dict[str, Any]:
    described = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**described, "kid": kid, "alg": algorithm, "use": "sig"}
