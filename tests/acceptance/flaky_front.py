"""A reverse proxy that loses answers and refuses requests on order, for clients that have to try again."""

from collections import deque
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from types import TracebackType

import httpx2

from tests.stubs.loopback import Loopback


class Mishap(StrEnum):
    """What happens to a request: it is refused before it arrives, or it arrives and its answer is lost."""

    REFUSED = "refused"
    ANSWER_LOST = "answer lost"


class FlakyFront(Loopback):
    """A context manager: it listens on ``url``, and forwards to ``upstream`` what no mishap befalls."""

    def __init__(self, upstream: str) -> None:
        self.seen: list[tuple[str, str | None]] = []
        self._mishaps: deque[Mishap] = deque()
        self._upstream = httpx2.Client(base_url=upstream, timeout=60)
        super().__init__(self._handler())

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def befall(self, *mishaps: Mishap) -> None:
        """Let these happen to the next requests, in order."""
        self._mishaps.extend(mishaps)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._upstream.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                front.seen.append((f"{self.command} {self.path}", self.headers.get("Idempotency-Key")))
                mishap = front._mishaps.popleft() if front._mishaps else None
                if mishap is Mishap.REFUSED:
                    self.answer(503, b'{"detail": {"error": "store_unavailable", "message": "try again"}}')
                    return
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                response = front._upstream.request(self.command, self.path, content=body, headers=headers)
                if mishap is Mishap.ANSWER_LOST:
                    self.close_connection = True
                    self.connection.close()
                    return
                self.answer(response.status_code, response.content, response.headers.get("X-Request-ID", ""))

            do_POST = do_PUT = do_GET  # noqa: N815 - names of the library

            def answer(self, status: int, body: bytes, request_id: str = "") -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Request-ID", request_id)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests read ``seen``."""

        return Handler
