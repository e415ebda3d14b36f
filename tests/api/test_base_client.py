"""The published client understands every refusal of the base layer, unmodified and over real HTTP."""

from collections.abc import Iterator

import pytest
from kneo_client.core import errors
from kneo_client.core.auth import AuthScheme
from kneo_client.core.profiles import Profile
from kneo_client.core.retries import RetryPolicy
from kneo_client.core.transport import SyncTransport
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.urls("tests.api.base_urls"), pytest.mark.django_db(transaction=True)]
ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.API_KEYS = "reader:read:viewer;writer:write:operator"
    settings.MAX_BODY_BYTES = 100


@pytest.fixture(params=list(AuthScheme))
def reader(live_server: LiveServer, request: pytest.FixtureRequest) -> Iterator[SyncTransport]:
    with client(live_server, "read", scheme=request.param) as transport:
        yield transport


@pytest.fixture
def writer(live_server: LiveServer) -> Iterator[SyncTransport]:
    with client(live_server, "write") as transport:
        yield transport


def client(server: LiveServer, key: str, *, scheme: AuthScheme = AuthScheme.BEARER) -> SyncTransport:
    return SyncTransport(Profile(name="test", url=server.url, api_key=key, auth_scheme=scheme), retry_policy=ONCE)


def test_an_answer_comes_through_with_the_id_of_its_request(reader: SyncTransport) -> None:
    response = reader.request("GET", "/v1/runs/7/who", request_id="r-1")
    assert (response.json()["name"], response.headers["X-Request-ID"]) == ("reader", "r-1")


def test_an_unknown_key_is_an_auth_error(live_server: LiveServer) -> None:
    with client(live_server, "wrong") as stranger, pytest.raises(errors.KneoAuthError) as caught:
        stranger.request("GET", "/v1/toys")
    assert (caught.value.status, caught.value.code) == (401, "unauthorized")


def test_a_missing_scope_is_a_permission_error(reader: SyncTransport) -> None:
    with pytest.raises(errors.KneoPermissionError) as caught:
        reader.request("POST", "/v1/toys", json={"name": "a"})
    assert caught.value.code == "forbidden"


def test_an_unknown_path_is_not_found(reader: SyncTransport) -> None:
    with pytest.raises(errors.KneoNotFoundError):
        reader.request("GET", "/v1/nowhere")


def test_problems_of_a_body_are_a_validation_error_that_says_where(writer: SyncTransport) -> None:
    with pytest.raises(errors.KneoValidationError, match=r"body.*name"):
        writer.request("POST", "/v1/toys", json={})


def test_a_large_body_names_the_limit(writer: SyncTransport) -> None:
    with pytest.raises(errors.KneoPayloadTooLargeError) as caught:
        writer.request("POST", "/v1/toys", json={"name": "a" * 100})
    assert caught.value.max_body_bytes == 100


def test_a_store_that_is_away_says_when_to_retry(reader: SyncTransport) -> None:
    with pytest.raises(errors.KneoServiceUnavailableError) as caught:
        reader.request("GET", "/v1/raise/retry")
    assert (caught.value.code, caught.value.retry_after) == ("store_unavailable", 5)


def test_an_unexpected_error_is_a_server_error_with_an_id(reader: SyncTransport) -> None:
    with pytest.raises(errors.KneoServerError) as caught:
        reader.request("GET", "/v1/raise/bug", request_id="r-2")
    assert (caught.value.code, caught.value.request_id) == ("internal_error", "r-2")
