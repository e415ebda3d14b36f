"""An identity provider on the loopback address: it publishes its keys, and signs what it is told to."""

import base64
import json
import threading
import time
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.stubs.web_server import Asked, Page, WebServer

AUDIENCE = "kneo"
CLIENT_SECRET = "the client's own secret"
type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def made(algorithm: str) -> Key:
    """Return a key for ``algorithm``, always the same: making one takes a while."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a code stands for: the challenge it was given for, where it leads back to, and what its token will say."""

    challenge: str
    back_to: str
    claims: dict[str, object]


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
        self.codes: dict[str, Login] = {}
        self.add("first", "RS256")

    def log_in(self, address: str, /, **claims: object) -> dict[str, str]:
        """Return what a browser brings back that was sent to ``address``, after Alice logged in there.

        ``claims`` are what her token says beside who she is.
        """
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(self.url("/authorize?"))
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = f"code-{len(self.codes)}"
        told = {"aud": asked["client_id"], "nonce": asked["nonce"]} | claims
        self.codes[code] = Login(challenge=asked["code_challenge"], back_to=asked["redirect_uri"], claims=told)
        return {"code": code, "state": asked["state"]}

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
            told: dict[str, Any] = {
                "issuer": self.names_itself or self.issuer,
                "jwks_uri": self.url("/keys"),
                "authorization_endpoint": self.url("/authorize"),
                "token_endpoint": self.url("/token"),
            }
        elif asked.path == "/token":
            return self._exchange({name: values[0] for name, values in parse_qs(asked.body.decode()).items()})
        else:
            told = {"keys": [_published(kid, *entry) for kid, entry in self.keys.items()]}
        return Page(body=json.dumps(told).encode())

    def _exchange(self, form: dict[str, str]) -> Page:
        login = self.codes.pop(form["code"], None)
        proof = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        is_client = form["client_secret"] == CLIENT_SECRET
        if login is None or not is_client or (proof, form["redirect_uri"]) != (login.challenge, login.back_to):
            return Page(status=400, body=b'{"error": "invalid_grant"}')
        token = self.token(**login.claims)
        return Page(body=json.dumps({"id_token": token, "access_token": "of no use here"}).encode())


def _published(kid: str, algorithm: str, key: Key) -> dict[str, Any]:
    described = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**described, "kid": kid, "alg": algorithm, "use": "sig"}
