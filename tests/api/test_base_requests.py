"""What every answer carries, how large a request may be, and what is logged of it."""

import asyncio
import uuid
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import repeat
from typing import IO, Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from pytest_django import Settings

from kneo_project.api.limits import count_chunked, count_streamed
from tests.loglines import LogLines, captured

pytestmark = pytest.mark.urls("tests.api.base_urls")
EVERYWHERE = ["/livez", "/v1/nowhere", "/v1/livez/", "/v1/raise/bug", "/v1/raise/retry", "/openapi.json", "/admin/"]


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_has_an_id_and_is_neither_sniffed_nor_stored(client: Client, path: str) -> None:
    response = client.get(path)
    assert uuid.UUID(response.headers["X-Request-ID"]).version == 4
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("given", ["a", "x" * 128, "with blank ~"])
def test_a_printable_request_id_is_kept(client: Client, given: str) -> None:
    assert client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "tab\there", "\u00e9", "line\nbreak"])
def test_any_other_request_id_is_replaced(client: Client, given: str) -> None:
    replaced = client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert uuid.UUID(replaced).version == 4


def test_a_body_at_the_limit_passes_and_one_byte_more_is_refused_with_an_id(client: Client, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 13
    assert client.post("/v1/toys", b'{"name": "a"}', content_type="application/json").status_code == 200
    response = client.post("/v1/toys", b'{"name": "ab"}', content_type="application/json")
    assert response.status_code == 413
    assert response.json()["detail"]["error"] == "payload_too_large"
    assert response.json()["detail"]["max_body_bytes"] == 13
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(("body", "status"), [(b'{"name": "a"}', 200), (b" " * 21, 413)])
def test_a_body_without_a_length_is_counted(settings: Settings, body: bytes, status: int) -> None:
    settings.MAX_BODY_BYTES = 20
    seen: list[int] = []

    def start_response(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ANN401
        seen.append(int(line.partition(" ")[0]))  # the phrase after it is Python's

    stream: IO[bytes] = BytesIO(body)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/toys",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "wsgi.url_scheme": "http",
    }
    answer = count_chunked(WSGIHandler())(environ, start_response)
    answer.close()  # type: ignore[attr-defined]
    assert seen == [status]


@pytest.mark.parametrize(
    ("headers", "pieces", "status"),
    [
        ([], [b'{"name":', b' "a"}'], 200),
        ([(b"content-length", b"13")], [b'{"name": "a"}'], 200),
        ([], repeat(b" "), 413),
        ([(b"content-length", b"9999")], repeat(b" "), 413),
    ],
    ids=["pieces", "announced", "endless", "announced as too long"],
)
def test_the_server_of_events_reads_no_more_of_a_body_than_it_may(
    settings: Settings, headers: list[tuple[bytes, bytes]], pieces: Iterable[bytes], status: int
) -> None:
    settings.MAX_BODY_BYTES = 20
    left, seen = iter(pieces), list[int]()

    async def receive() -> Any:  # noqa: ANN401
        await asyncio.sleep(0)
        piece = next(left, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: Any) -> None:  # noqa: ANN401
        seen.extend([message["status"]] if "status" in message else [])

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers]
    scope: Any = {"type": "http", "method": "POST", "path": "/v1/toys", "query_string": b"", "headers": headers}
    asyncio.run(asyncio.wait_for(count_streamed(ASGIHandler())(scope, receive, send), timeout=10))
    assert seen == [status]


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with captured() as lines:
        yield lines


def test_a_request_is_one_json_line_without_its_query(client: Client, lines: LogLines) -> None:
    client.get("/v1/runs/42/who?token=abc", headers={"X-Request-ID": "r-1", "User-Agent": "toy/1"})
    (line,) = lines.of("kneo_serv.service")
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "http_request",
        "level": "info",
        "logger": "kneo_serv.service",
        "request_id": "r-1",
        "method": "GET",
        "path": "/v1/runs/42/who",
        "status_code": 422,
        "client_ip": "127.0.0.1",
        "user_agent": "toy/1",
        "run_id": "42",
    }


def test_an_unexpected_error_is_logged_under_the_id_of_its_request(client: Client, lines: LogLines) -> None:
    client.get("/v1/raise/bug", headers={"X-Request-ID": "r-2"})
    error, request = lines.of("kneo_serv.service")
    assert (error["event"], error["request_id"]) == ("unexpected error", "r-2")
    assert "ZeroDivisionError" in error["exception"]
    assert "hunter2" not in error["exception"]
    assert request["status_code"] == 500


def test_request_lines_can_be_switched_off(client: Client, settings: Settings, lines: LogLines) -> None:
    settings.REQUEST_LOGS = False
    client.get("/livez")
    assert lines.of("kneo_serv.service") == []


@pytest.mark.parametrize(("is_behind_proxy", "address"), [(True, "203.0.113.9"), (False, "127.0.0.1")])
def test_only_our_own_proxy_says_who_the_client_is(
    client: Client, settings: Settings, lines: LogLines, is_behind_proxy: bool, address: str
) -> None:
    settings.BEHIND_TLS_PROXY = is_behind_proxy
    client.get("/livez", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    assert lines.of("kneo_serv.service")[0]["client_ip"] == address


def test_the_id_does_not_leak_into_the_next_request(client: Client, lines: LogLines) -> None:
    client.get("/livez", headers={"X-Request-ID": "first"})
    client.get("/livez", headers={"X-Request-ID": "second"})
    assert [line["request_id"] for line in lines.of("kneo_serv.service")] == ["first", "second"]
