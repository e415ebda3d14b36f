"""Who gets in, and how others are refused."""

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.api.base_urls")
WHO = "/v1/runs/7/who"


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.API_KEYS = (
        " reader : r-key : viewer ; ; silent:s-key: ; twice:r-key:admin; human:h-key:human:read, audit:read"
    )
    settings.ADMIN_API_KEY = "a-key"


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"Authorization": "Bearer r-key"}, "reader"),
        ({"Authorization": "bearer   r-key  "}, "reader"),
        ({"X-Kneo-Api-Key": "r-key"}, "reader"),
        ({"X-Kneo-Api-Key": "a-key"}, "admin"),
        ({"Authorization": "Bearer a-key", "X-Kneo-Api-Key": "wrong"}, "admin"),
        ({"Authorization": "Basic cjprZXk=", "X-Kneo-Api-Key": "r-key"}, "reader"),
        ({"Authorization": "r-key", "X-Kneo-Api-Key": "r-key"}, "reader"),
        ({"Authorization": "Bearer ", "X-Kneo-Api-Key": "r-key"}, "reader"),
    ],
)
def test_a_key_is_accepted_in_either_header(client: Client, headers: dict[str, str], name: str) -> None:
    assert client.get(WHO, headers=headers).json() == {"name": name, "run_id": "7"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer wrong", "X-Kneo-Api-Key": "r-key"},
        {"Authorization": "r-key"},
        {"X-Kneo-Api-Key": ""},
        {"X-Kneo-Api-Key": "r-ke\u00fd"},
        {"X-Kneo-Api-Key": "\u043a\u043b\u044e\u0447"},
    ],
)
def test_a_missing_or_unknown_key_gets_one_and_the_same_401(client: Client, headers: dict[str, str]) -> None:
    response = client.get(WHO, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["detail"] == {
        "error": "unauthorized",
        "message": "A valid API key is required: send Authorization: Bearer <key> or X-Kneo-Api-Key: <key>.",
    }


@pytest.mark.parametrize(("key", "scope"), [("s-key", "specs:read"), ("h-key", "specs:read")])
def test_a_known_key_without_the_scope_gets_a_403_that_names_it(client: Client, key: str, scope: str) -> None:
    response = client.get(WHO, headers={"X-Kneo-Api-Key": key})
    assert response.status_code == 403
    assert response.json()["detail"]["error"] == "forbidden"
    assert response.json()["detail"]["required_scope"] == scope


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer whatever"}])
def test_without_any_key_everybody_is_anonymous(
    client: Client, settings: Settings, headers: dict[str, str], db: None
) -> None:
    settings.API_KEYS = settings.ADMIN_API_KEY = ""
    assert client.get(WHO, headers=headers).json()["name"] == "anonymous"
