"""Tokens of an identity provider in place of a key: whose are accepted, what they open, and what if it is away."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from pytest_django import Settings

from kneo_project.oidc import trust
from tests.stubs.identity_provider import AUDIENCE, IdentityProvider

pytestmark = pytest.mark.urls("tests.api.base_urls")
WHO = "/v1/runs/7/who"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as opened:
        yield opened


@pytest.fixture(autouse=True)
def trusted(provider: IdentityProvider, settings: Settings) -> None:
    settings.OIDC_ISSUER, settings.OIDC_AUDIENCE = provider.issuer, AUDIENCE


def ask(token: str | None, path: str = WHO) -> tuple[int, dict[str, object]]:
    """Return the status and the body of the answer to a request with ``token``."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = Client(headers=headers).get(path)
    return answer.status_code, answer.json()


def refused() -> tuple[int, dict[str, object]]:
    """Return how everybody is refused who has no accepted key."""
    answer = ask(None)
    assert answer[0] == 401
    return answer


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_token_stands_in_place_of_a_key(provider: IdentityProvider, algorithm: str) -> None:
    provider.add("signing", algorithm)
    assert ask(provider.token("signing")) == (200, {"name": "oidc:alice", "run_id": "7"})
    assert Client(headers={"X-Kneo-Api-Key": provider.token("signing")}).get(WHO).status_code == 200


def test_the_keys_are_asked_for_once(provider: IdentityProvider) -> None:
    for _ in range(3):
        assert ask(provider.token())[0] == 200
    assert [asked.path for asked in provider.asked] == ["/tenant/.well-known/openid-configuration", "/keys"]


def test_where_the_keys_are_may_be_configured(provider: IdentityProvider, settings: Settings) -> None:
    settings.OIDC_JWKS_URL = provider.url("/certs")
    assert ask(provider.token())[0] == 200
    assert [asked.path for asked in provider.asked] == ["/certs"]


def test_everybody_else_needs_a_key_then(settings: Settings) -> None:
    assert refused()[0] == 401
    settings.API_KEYS = "op:k-1:viewer"
    assert ask("k-1") == (200, {"name": "op", "run_id": "7"})


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example.com"},
        {"iss": None},
        {"aud": "another-service"},
        {"aud": None},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": float("inf")},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "ali\0ce"},
        {"sub": "\ud800"},
        {"sub": "a" * 201},
    ],
)
def test_a_token_for_others_or_of_another_time_is_like_an_unknown_key(
    provider: IdentityProvider, claims: dict[str, object]
) -> None:
    assert ask(provider.token(**claims)) == refused()


@pytest.mark.parametrize(("seconds_ago", "status"), [(20, 200), (40, 401)])
def test_clocks_may_differ_by_half_a_minute(provider: IdentityProvider, seconds_ago: int, status: int) -> None:
    assert ask(provider.token(exp=int(time.time()) - seconds_ago))[0] == status


def test_one_of_several_audiences_suffices(provider: IdentityProvider) -> None:
    assert ask(provider.token(aud=["another-service", AUDIENCE]))[0] == 200


def part(value: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_that_nobody_signed_is_like_an_unknown_key(provider: IdentityProvider) -> None:
    header, claims, signature = provider.token().split(".")
    none = part({"alg": "none", "kid": "first"})
    other = provider.token(sub="mallory").split(".")[1]
    for forged in (f"{none}.{claims}.", f"{none}.{claims}.{signature}", f"{header}.{other}.{signature}"):
        assert ask(forged) == refused()


def test_a_token_signed_with_the_public_key_as_if_it_were_secret_is_like_an_unknown_key(
    provider: IdentityProvider,
) -> None:
    key = provider.keys["first"][1]
    assert isinstance(key, rsa.RSAPrivateKey)
    shared = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(provider.claims())}"
    signature = base64.urlsafe_b64encode(hmac.digest(shared, signed.encode(), "sha256")).rstrip(b"=").decode()
    assert ask(f"{signed}.{signature}") == refused()


def test_a_token_signed_by_another_under_the_same_key_id_is_like_an_unknown_key(provider: IdentityProvider) -> None:
    foreign = rsa.generate_private_key(65537, 2048)
    assert ask(jwt.encode(provider.claims(), foreign, "RS256", headers={"kid": "first"})) == refused()


@pytest.mark.parametrize(
    "token",
    ["..", "a.b.c", "e30.e30.e30", f"{part([])}.{part({})}.x", f"{part({'alg': 'RS256'})}.{part({})}.x",
     f"{part({'alg': 'RS256', 'kid': 7})}.{part({})}.x", f"{part({'alg': ['RS256'], 'kid': 'first'})}.{part({})}.x",
     f"{part({'alg': 'RS256', 'kid': 'first'})}.{part([])}.eA", f"{part({'alg': 'ES256', 'kid': 'first'})}.e30.eA",
     "[" * 3000 + ".e30.eA", f"{base64.b64encode(b'[' * 3000).decode()}.e30.eA", "\u00fd.\u00fd.\u00fd"],
)  # fmt: skip
def test_what_only_looks_like_a_token_is_like_an_unknown_key(token: str) -> None:
    assert ask(token) == refused()


def test_unknown_key_ids_do_not_make_us_ask_again_and_again(provider: IdentityProvider) -> None:
    assert ask(provider.token())[0] == 200
    so_far = len(provider.asked)
    key = rsa.generate_private_key(65537, 2048)
    for _ in range(5):
        unknown = jwt.encode(provider.claims(), key, "RS256", headers={"kid": secrets.token_hex()})
        assert ask(unknown) == refused()
    assert len(provider.asked) == so_far


def test_a_new_key_of_the_provider_is_found_once_it_may_be_asked_again(provider: IdentityProvider) -> None:
    assert ask(provider.token())[0] == 200
    provider.add("second", "ES256")
    assert ask(provider.token("second"))[0] == 401
    known = trust()
    assert known is not None
    known.keys.cooldown_duration = 0
    assert ask(provider.token("second"))[0] == 200


def test_without_the_provider_a_token_cannot_be_checked_and_keys_still_can(
    provider: IdentityProvider, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.is_down, token = True, provider.token()
    settings.API_KEYS = "op:k-1:viewer"
    answer = Client(headers={"Authorization": f"Bearer {token}"}).get(WHO)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["detail"]["error"] == "identity_provider_unavailable"
    assert ask(token)[0] == 503
    assert len(provider.asked) == 1
    assert (ask("k-1")[0], ask("wrong"), ask("a.b.c")) == (200, refused(), refused())
    assert token not in capsys.readouterr().err


def test_keys_that_are_known_suffice_while_the_provider_is_away(provider: IdentityProvider) -> None:
    assert ask(provider.token())[0] == 200
    provider.is_down = True
    assert ask(provider.token(sub="bob"))[0] == 200


def test_while_a_thread_waits_for_the_provider_others_do_not(provider: IdentityProvider) -> None:
    assert ask(provider.token())[0] == 200
    known = trust()
    assert known is not None
    known.keys.cooldown_duration = 0
    provider.goes_on.clear()
    provider.add("second", "ES256")
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(known.principal_for, provider.token("second").encode())
        try:
            assert provider.is_waited_for.wait(10)
            assert [ask(provider.token(kid))[0] for kid in ("first", "second")] == [200, 503]
        finally:
            provider.goes_on.set()
        assert waiting.result() is not None


def test_a_provider_that_describes_another_is_not_trusted(provider: IdentityProvider) -> None:
    provider.names_itself = "https://elsewhere.example.com"
    assert ask(provider.token())[0] == 503


def test_public_routes_ask_no_provider(provider: IdentityProvider) -> None:
    assert ask(provider.token(), "/v1/livez")[0] == 200
    assert provider.asked == []


@pytest.mark.parametrize(
    ("role_claim", "role_map", "claims", "expected"),
    [
        ("roles", (), {"roles": ["viewer"]}, {"runs:read"}),
        ("roles", (), {"roles": "viewer"}, {"runs:read"}),
        ("roles", (), {"roles": "god operator"}, {"runs:read", "runs:write"}),
        ("roles", (), {"roles": ["runs:write", "*", 7, None, {}]}, set()),
        ("roles", (), {"roles": None}, set()),
        ("realm_access.roles", (), {"realm_access": {"roles": ["admin"]}}, {"runs:read", "runs:write"}),
        ("realm_access.roles", (), {"realm_access": ["admin"]}, set()),
        ("https://kneo.example/roles", (), {"https://kneo.example/roles": ["viewer"]}, {"runs:read"}),
        ("groups", ("staff = viewer", "ops=reviewer+runs:write"), {"groups": ["staff"]}, {"runs:read"}),
        ("groups", ("staff=viewer", "ops=reviewer+runs:write"), {"groups": ["ops"]}, {"runs:read", "runs:write"}),
        ("groups", ("staff=viewer",), {"groups": ["admin"]}, set()),
        ("groups", ("Night shift=viewer",), {"groups": "Night shift"}, {"runs:read"}),
    ],
)
def test_roles_come_from_a_claim(
    provider: IdentityProvider,
    settings: Settings,
    role_claim: str,
    role_map: tuple[str, ...],
    claims: dict[str, object],
    expected: set[str],
) -> None:
    settings.OIDC_ROLE_CLAIM, settings.OIDC_ROLE_MAP = role_claim, role_map
    client = Client(headers={"Authorization": f"Bearer {provider.token(**({'roles': None} | claims))}"})
    body = {"name": "bear"}
    statuses = {
        "runs:read": client.get("/v1/toys").status_code,
        "runs:write": client.post("/v1/toys", body, "application/json").status_code,
    }
    assert statuses == {scope: 200 if scope in expected else 403 for scope in statuses}


def test_the_name_may_be_another_claim(provider: IdentityProvider, settings: Settings) -> None:
    settings.OIDC_NAME_CLAIM = "preferred_username"
    assert ask(provider.token(preferred_username="Alice A."))[1]["name"] == "oidc:Alice A."
    assert ask(provider.token()) == refused()
