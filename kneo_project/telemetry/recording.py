"""Our spans, as OpenTelemetry records them."""

from collections.abc import Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from typing import cast

from celery import Task
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.celery.utils import detach_context, retrieve_context
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from kneo_project.redaction import preview
from kneo_project.spans import HERE, Attributes, Content, Harmless, Span

_KINDS = {"kneo.queue.dispatch": SpanKind.PRODUCER, "chat": SpanKind.CLIENT}
_W3C = TraceContextTextMapPropagator()


class RecordedSpan:
    """A span of OpenTelemetry, in our words."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, attributes: Attributes) -> None:
        """Add ``attributes``."""
        self._span.set_attributes(_present(attributes))

    def fail(self, error_type: str, message: str) -> None:
        """Say that what the span stands for failed."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(Status(StatusCode.ERROR, preview(message)))

    def link(self, traceparent: str | None) -> None:
        """Point to the span that ``traceparent`` names."""
        target = _context_of(_context(traceparent))
        if target.is_valid:
            self._span.add_link(target)


class OpenTelemetryRecorder:
    """Records with ``tracer``; ``contents`` is what the operator wants to see on spans."""

    def __init__(self, tracer: Tracer, contents: Set[Content]) -> None:
        self._tracer = tracer
        self._contents = contents

    def span(
        self, name: str, attributes: Attributes, *, parent: str | None, since: int | None, harmless: Harmless
    ) -> AbstractContextManager[Span]:
        """Return a span that lasts as long as the block."""
        where = None if parent == HERE else _context(parent)
        kind = _KINDS.get(name) or _KINDS.get(name.partition(" ")[0], SpanKind.INTERNAL)
        span = self._tracer.start_span(
            name,
            where,
            kind,
            _present(attributes),
            links=() if where is None else _way_here(_context_of(where)),
            start_time=since,
        )
        return _lasting(span, harmless)

    def here(self) -> Span:
        """Return the span in whose block this is."""
        return RecordedSpan(trace.get_current_span())

    def traceparent(self) -> str | None:
        """Return the name of the span in whose block this is, or of one that begins a trace."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            begun = self._tracer.start_span("kneo.run.order")
            begun.end()
            context = begun.get_span_context()
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(context), Context()))
        return carrier.get("traceparent")

    def ids(self) -> Mapping[str, str]:
        """Return the ids of the span in whose block this is."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}

    def records(self, content: Content) -> bool:
        """Whether the operator wants ``content`` on spans."""
        return content in self._contents

    def forget_message(self, task: object, message_id: str) -> None:
        """End and forget the span of a message that the Celery instrumentation waits for in vain."""
        sender = cast("Task[..., None]", task)
        kept = retrieve_context(sender, message_id, is_publish=True)
        if kept is not None:
            kept[0].set_status(Status(StatusCode.ERROR, "The broker was not reachable."))
            kept[0].end()
            detach_context(sender, message_id, is_publish=True)


@contextmanager
def _lasting(span: trace.Span, harmless: Harmless) -> Iterator[Span]:
    """Let ``span`` be the current one in the block, and end with it; errors are told by their type and redacted."""
    recorded = RecordedSpan(span)
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield recorded
        except Exception as error:
            if not isinstance(error, harmless):
                recorded.fail(type(error).__name__, str(error))
            raise


def _context(traceparent: str | None) -> Context:
    return _W3C.extract({} if traceparent is None else {"traceparent": traceparent}, Context())


def _context_of(context: Context) -> SpanContext:
    return trace.get_current_span(context).get_span_context()


def _way_here(parent: SpanContext) -> tuple[Link, ...]:
    """Return a link to the current span, where a span begins that belongs to another one."""
    current = trace.get_current_span().get_span_context()
    if not current.trace_flags.sampled or current.span_id == parent.span_id:
        return ()
    return (Link(current),)


def _present(attributes: Attributes) -> dict[str, AttributeValue]:
    """Return the attributes that there are; what OpenTelemetry has no type for becomes its text."""
    kinds = (str, bool, int, float, list, tuple)
    return {
        name: cast("AttributeValue", value if isinstance(value, kinds) else str(value))
        for name, value in attributes.items()
        if value is not None
    }
