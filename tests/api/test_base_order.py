"""Which refusal wins when a request has several faults."""

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.api.base_urls")
READER = {"Authorization": "Bearer read"}
WRITER = {"Authorization": "Bearer write"}


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.API_KEYS = "reader:read:viewer; writer:write:operator"
    settings.MAX_BODY_BYTES = 100


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "expected"),
    [
        ("POST", "/v1/nowhere", {}, "x" * 101, (413, "payload_too_large")),
        ("POST", "/v1/toys", {}, "x" * 101, (413, "payload_too_large")),
        ("GET", "/v1/nowhere", {}, "", (404, "Not Found")),
        ("DELETE", "/v1/toys", {}, "{", (405, "Method Not Allowed")),
        ("OPTIONS", "/v1/toys", {}, "", (405, "Method Not Allowed")),
        ("POST", "/v1/toys?nope=1", {}, "{", (401, "unauthorized")),
        ("POST", "/v1/toys?nope=1", READER, "{", (403, "forbidden")),
        ("POST", "/v1/toys?nope=1", WRITER, "{", (422, "unknown_query_parameters")),
        ("POST", "/v1/toys", WRITER, "{", (422, "json_invalid")),
        ("GET", "/v1/toys?limit=0&nope=1", READER, "", (422, "unknown_query_parameters")),
        ("GET", "/v1/toys?limit=0&made_after=x", READER, "", (422, "greater_than_equal")),
        ("GET", "/v1/toys?made_after=x", READER, "", (422, "invalid_timestamp")),
        ("GET", "/v1/toys", READER, "{", (200, None)),
    ],
)
def test_the_first_check_that_fails_answers(
    client: Client, method: str, path: str, headers: dict[str, str], body: str, expected: tuple[int, str | None]
) -> None:
    response = client.generic(method, path, body, content_type="application/json", headers=headers)
    detail = response.json().get("detail")
    error = detail[0]["type"] if isinstance(detail, list) else detail["error"] if isinstance(detail, dict) else detail
    assert (response.status_code, error) == expected


def test_a_view_that_declares_no_scope_stays_closed(client: Client) -> None:
    client.raise_request_exception = False
    assert client.get("/v1/careless", headers=WRITER).status_code == 500
