"""What leaves the process: spans without secrets, whoever made them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

from kneo_project.redaction import REDACTED, is_sensitive_key, masked_count, redact_text

STACKTRACE = "exception.stacktrace"
STATEMENTS = frozenset({"db.query.text", "db.statement"})


class RedactingExporter(SpanExporter):
    """Hands spans on to ``exporter``, redacted. It works in the exporting thread, where nobody waits for it."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send ``spans``."""
        return self._exporter.export([redacted(span) for span in spans if not _is_empty_query(span)])

    def shutdown(self) -> None:
        """Stop sending."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits to be sent."""
        return self._exporter.force_flush(timeout_millis)


def _is_empty_query(span: ReadableSpan) -> bool:
    """Whether it is one that only asks whether a connection of the pool is still alive."""
    attributes = span.attributes or {}
    return "db.system.name" in attributes and not attributes.get("db.query.text")


def redacted(span: ReadableSpan) -> ReadableSpan:
    """Return ``span`` without secrets in its attributes, its events and its error, and without stack traces."""
    description = span.status.description
    return ReadableSpan(
        name=redact_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes),
        events=[Event(event.name, _attributes(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, redact_text(description) if description else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    return {key: _value(key, value) for key, value in (attributes or {}).items() if key != STACKTRACE}


def _value(key: str, value: AttributeValue) -> AttributeValue:
    if isinstance(value, str) and key in STATEMENTS:
        return _statement(value, masked_count())
    if isinstance(value, str | Sequence) and is_sensitive_key(key):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [redact_text(each) if isinstance(each, str) else each for each in value]
    return value


@lru_cache(maxsize=256)
def _statement(text: str, _masked: int) -> str:
    """Redact a statement. The same few long ones come again and again, and searching one takes a millisecond."""
    return redact_text(text)
