"""What an error body looks like, and what it never says."""

import json
import logging

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.api.base_urls")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def test_an_application_error_has_code_message_and_named_data(client: Client) -> None:
    response = client.get("/v1/raise/application")
    assert response.status_code == 400
    assert response.json() == {"detail": {"error": "invalid_request", "message": "No such toy.", "toy": "bear"}}


@pytest.mark.parametrize("kind", ["retry", "operational", "interface"])
def test_a_store_that_is_away_is_a_503_to_retry(client: Client, kind: str) -> None:
    response = client.get(f"/v1/raise/{kind}")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json()["detail"]["error"] == "store_unavailable"
    assert "db.internal" not in response.content.decode()


def test_an_unexpected_error_says_nothing_and_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="kneo_serv.service"):
        response = client.get("/v1/raise/bug")
    assert response.status_code == 500
    assert response.json()["detail"] == {
        "error": "internal_error",
        "message": "The request failed unexpectedly; quote the X-Request-ID of this answer when you report it.",
    }
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", ["/v1/toys/1/2", "/toys/%2F", "/v1/TOYS", "/v1/openapi.json", "/v1/runs/a%2Fb/who"])
def test_an_unknown_path_is_a_json_404(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.content) == (404, b'{"detail":"Not Found"}')


def test_a_nul_in_an_id_is_not_found(client: Client) -> None:
    assert client.get("/v1/runs/%00/who").content == b'{"detail":"Not Found"}'


def test_a_wrong_method_names_every_right_one(client: Client) -> None:
    response = client.delete("/v1/toys")
    assert (response.status_code, response.json()) == (405, {"detail": "Method Not Allowed"})
    assert response.headers["Allow"] == "GET, HEAD, POST"


def test_a_foreign_host_is_a_json_400(client: Client) -> None:
    response = client.get("/livez", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert response.json()["detail"]["error"] == "invalid_request"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense"])
def test_the_answer_is_json_whatever_is_accepted(client: Client, accept: str) -> None:
    response = client.get("/v1/toys?format=html", headers={"Accept": accept})
    assert response.status_code == 422
    assert json.loads(response.content)["detail"]["unknown"] == ["format"]
