"""A loopback server that speaks OpenAI's chat completions, for every test that needs a model on the wire."""

import json
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.stubs.loopback import Loopback

USAGE: Mapping[str, int] = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived. ``at_seconds`` is on the monotonic clock."""

    path: str
    authorization: str | None
    body: dict[str, Any]
    at_seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to give, ``after_seconds`` or, if that is None, never: the client has to hang up.

    One that ``is_cut_short`` ends in the middle: the connection is closed before all was sent that was announced.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_seconds: float | None = 0.0
    is_cut_short: bool = False


def completion(
    content: str | None, *, tool_calls: list[dict[str, Any]] | None = None, usage: object = USAGE, **answer: Any
) -> Answer:
    """Return a well-formed answer of a model."""
    message = {"role": "assistant", "content": content} | ({"tool_calls": tool_calls} if tool_calls else {})
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tool_calls else "stop"}
    body = {"id": "chat-1", "object": "chat.completion", "choices": [choice], "usage": usage}
    return Answer(body=json.dumps(body).encode(), **answer)


def tool_call(name: str, arguments: str) -> Answer:
    """Return an answer that asks for a tool; ``arguments`` is JSON, or what a careless model takes for it."""
    return completion(
        None, tool_calls=[{"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}]
    )


def tool_calls(*calls: tuple[str, str]) -> Answer:
    """Return an answer that asks for several tools at once: each a name and its arguments as JSON."""
    asked = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(calls, start=1)
    ]
    return completion(None, tool_calls=asked)


def pieces(*data: object, **answer: Any) -> Answer:
    """Return an answer that arrives in pieces: server-sent events with the JSON of ``data``, or text as it is."""
    texts = [each if isinstance(each, str) else json.dumps(each) for each in data]
    body = "".join(f"data: {text}\n\n" for text in texts).encode()
    return Answer(body=body, headers={"Content-Type": "text/event-stream; charset=utf-8"}, **answer)


def failure(status: int, message: str = "stub failure", **headers: str) -> Answer:
    """Return a refusal. Header names are written with underscores."""
    body = json.dumps({"error": {"message": message, "type": "stub"}}).encode()
    return Answer(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def echo(body: Mapping[str, Any]) -> Answer:
    """Answer with the last thing the user said."""
    asked = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return completion(f"echo: {asked[-1]}")


class ChatServer(Loopback):
    """A context manager: the server listens on ``base_url`` while it is open.

    It gives the answers queued by ``queue`` in their order and then those of ``otherwise``. Everything it received is
    in ``requests``; ``hung_up`` is set once a client has closed its connection while waiting for an answer.
    """

    def __init__(self, otherwise: Callable[[Mapping[str, Any]], Answer] = echo) -> None:
        self.otherwise = otherwise
        self.requests: list[Received] = []
        self.waiting = threading.Event()
        self.hung_up = threading.Event()
        self._answers: deque[Answer] = deque()
        super().__init__(self._make_handler())

    @property
    def base_url(self) -> str:
        """The value for ``model.extra.base_url``."""
        return f"http://127.0.0.1:{self.port}/v1"

    def queue(self, *answers: Answer) -> None:
        """Give these answers to the next requests."""
        self._answers.extend(answers)

    def next_answer(self, received: Received) -> Answer:
        """Remember a request and return what it is answered."""
        self.requests.append(received)
        return self._answers.popleft() if self._answers else self.otherwise(received.body)

    def is_wanted(self, connection: socket.socket, seconds: float | None) -> bool:
        """Wait for ``seconds``, or for ever; return False when the client hangs up before."""
        self.waiting.set()
        readable, _, _ = select.select([connection], [], [], seconds)
        if readable:
            self.hung_up.set()
        return not readable

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        chat = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received = Received(
                    path=self.path,
                    authorization=self.headers["Authorization"],
                    body=body,
                    at_seconds=time.monotonic(),
                    headers={name.lower(): value for name, value in self.headers.items()},
                )
                answer = chat.next_answer(received)
                if answer.after_seconds == 0.0 or chat.is_wanted(self.connection, answer.after_seconds):
                    self.give(answer)
                else:
                    self.close_connection = True

            def give(self, answer: Answer) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.is_cut_short:
                    self.wfile.write(answer.body[: len(answer.body) // 2])
                    self.close_connection = True
                else:
                    self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:
                """Tests read ``requests``, not the terminal."""

        return Handler
