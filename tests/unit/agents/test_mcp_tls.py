"""MCP servers that want to know who asks: certificates, and keys that are secrets of the service."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from specs.language.agent_plan import McpServerPlan
from tests.stubs.certificates import Authority, Certificate
from tests.stubs.chat_server import ChatServer
from tests.unit.agents.test_mcp import ROOT, ask, heard, refused


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[McpServerPlan]:
    """Serve the stub to those whom the authority knows."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    own = authority.certificate("server")
    files = [str(own.certificate), str(own.key), str(authority.files.certificate)]
    command = [sys.executable, "-m", "tests.stubs.mcp_server", "tls", str(port), *files]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_open(port)
            bundle = str(authority.files.certificate)
            yield McpServerPlan(transport="http", url=f"https://127.0.0.1:{port}/mcp", ca_bundle=bundle)
        finally:
            process.kill()


def wait_until_open(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.05)
    pytest.fail("the stub does not listen")


def greeted(chat: ChatServer, server: McpServerPlan, environ: dict[str, str] | None = None) -> None:
    """Let the model greet Ada by the tool of the server."""
    options: dict[str, Any] = {"environ": environ or {}, "secret_refs": ("CLIENT_KEY",)}
    ask(chat, ("greet", {"name": "Ada"}), server=server, **options)


def test_a_server_that_wants_a_certificate_is_shown_one(
    chat: ChatServer, server: McpServerPlan, client: Certificate
) -> None:
    greeted(chat, replace(server, client_cert=str(client.certificate), client_key=str(client.key)))
    assert heard(chat) == ["hello Ada"]

    greeted(chat, server)
    assert "'stub' cannot be" in refused(chat)


@pytest.fixture
def known(server: McpServerPlan, client: Certificate) -> McpServerPlan:
    """The server, to be shown a certificate whose key is a secret of the service."""
    return replace(server, client_cert=str(client.certificate), client_key_ref="CLIENT_KEY")


@pytest.fixture(scope="module")
def client(authority: Authority) -> Certificate:
    return authority.certificate("client")


@pytest.mark.parametrize("form", ["key", "path"])
def test_the_key_may_be_a_secret_of_the_service(
    chat: ChatServer, known: McpServerPlan, client: Certificate, form: str
) -> None:
    greeted(chat, known, {"CLIENT_KEY": client.key.read_text() if form == "key" else str(client.key)})
    assert heard(chat) == ["hello Ada"]


@pytest.mark.parametrize(
    ("ref", "environ", "why"),
    [
        ("CLIENT_KEY", {}, "CLIENT_KEY is not set"),
        ("CLIENT_KEY", {"CLIENT_KEY": "/nowhere/key"}, "certificates"),
        ("CLIENT_KEY", {"CLIENT_KEY": "-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----"}, "certificates"),
        ("DATABASE_URL", {"DATABASE_URL": "x"}, "KNEO_SERV_SECRET_REFS"),
    ],
)
def test_a_key_that_cannot_be_used_is_an_error_without_the_key(
    chat: ChatServer, known: McpServerPlan, ref: str, environ: dict[str, str], why: str
) -> None:
    greeted(chat, replace(known, client_key_ref=ref), environ)
    assert why in refused(chat)
    assert "PRIVATE" not in refused(chat)
