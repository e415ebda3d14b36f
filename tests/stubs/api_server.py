"""A loopback server that gives the answers of a service in a row, for clients that have to cope with them."""

import json
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.stubs.loopback import Loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it arrived."""

    line: str
    key: str | None
    authorization: str | None
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer to give."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


def reply(document: object, status: int = 200, **headers: str) -> Reply:
    """Return an answer with a JSON body. Header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=json.dumps(document).encode(), headers=named)


class ApiServer(Loopback):
    """A context manager: it listens on ``url`` and gives ``replies``, the last one again and again."""

    def __init__(self, *replies: Reply) -> None:
        self.calls: list[Call] = []
        self._replies = deque(replies)
        super().__init__(self._handler())

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.calls.append(
                    Call(
                        line=f"{self.command} {self.path}",
                        key=self.headers.get("Idempotency-Key"),
                        authorization=self.headers.get("Authorization"),
                        body=json.loads(raw) if raw else None,
                    )
                )
                given = server._replies.popleft() if len(server._replies) > 1 else server._replies[0]
                self.send_response(given.status)
                self.send_header("Content-Length", str(len(given.body)))
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(given.body)

            do_POST = do_GET  # noqa: N815 - a name of the library

            def log_message(self, format: str, *args: object) -> None:
                """Tests read ``calls``."""

        return Handler
