"""A loopback server that speaks OTLP over HTTP: what a collector would receive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.stubs.loopback import Loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One span as it arrived; ``parent`` is empty for the first of a trace, ``process`` what the sender is."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, Any]
    process: Mapping[str, Any]
    links: Sequence[tuple[str, str]]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    error: str | None
    wire: str


class OtlpServer(Loopback):
    """A context manager: the server collects ``spans`` on ``endpoint`` while it is open."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        super().__init__(self._make_handler())

    @property
    def endpoint(self) -> str:
        """The value for OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    def named(self, name: str) -> list[Received]:
        """Return the spans of that name, in the order in which they ended."""
        return [span for span in self.spans if span.name == name]

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        received = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.extend(_spans(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _spans(body: bytes) -> list[Received]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _received(span, _values(group.resource.attributes))
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _received(span: WireSpan, process: Mapping[str, Any]) -> Received:
    return Received(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_values(span.attributes),
        process=process,
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        events=[(event.name, _values(event.attributes)) for event in span.events],
        error=span.status.message if span.status.code == Status.STATUS_CODE_ERROR else None,
        wire=str(span),
    )


def _values(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None
