"""A connection to the address that was checked is still one to the host by its name: its certificate must be for it."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx2
import pytest

from kneo_project.net.addresses import PinnedTransport
from tests.stubs.certificates import Authority

HOST = "service.example"


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def port(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Serve over TLS, as ``HOST`` and nobody else, where every name leads."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *args, **kwargs: real("127.0.0.1", *args, **kwargs))
    own = authority.certificate("service", HOST)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.headers["Host"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def fetched(authority: Authority, url: str) -> str:
    """Return what is at ``url``."""
    trusting: Any = ssl.create_default_context(cafile=str(authority.files.certificate))

    async def fetch() -> str:
        inner = httpx2.AsyncHTTPTransport(verify=trusting)
        transport = PinnedTransport(inner, (HOST, "other.example"))
        async with httpx2.AsyncClient(transport=transport, trust_env=False) as client:
            return (await client.get(url)).text

    return asyncio.run(fetch())


def test_the_certificate_is_checked_against_the_name(authority: Authority, port: int) -> None:
    assert fetched(authority, f"https://{HOST}:{port}/") == f"{HOST}:{port}"


def test_a_certificate_for_another_name_is_refused(authority: Authority, port: int) -> None:
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        fetched(authority, f"https://other.example:{port}/")
