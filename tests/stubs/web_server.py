"""A loopback server for tools that make requests: it answers as a function says, and remembers what it was asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.stubs.loopback import Loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is answered."""

    body: bytes = b"ok"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/plain"})


def moved(to: str, status: int = 302) -> Page:
    """Return an answer that leads to another address."""
    return Page(status=status, headers={"Location": to})


class WebServer(Loopback):
    """A context manager: it listens on ``port`` of the loopback address while it is open."""

    def __init__(self, answer: Callable[[Asked], Page] = lambda _: Page()) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        super().__init__(self._handler())

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return the address of ``path``, on ``host`` if that leads here."""
        return f"http://{host}:{self.port}{path}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(method=self.command, path=self.path, headers=headers, body=body)
                web.asked.append(asked)
                page = web.answer(asked)
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names of the library

            def log_message(self, format: str, *args: object) -> None:
                """Tests read ``asked``."""

        return Handler
