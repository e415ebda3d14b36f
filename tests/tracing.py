"""The spans of a test, as they would leave the process."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON

from kneo_project import spans
from kneo_project.spans import Content
from kneo_project.telemetry.exporting import RedactingExporter
from kneo_project.telemetry.recording import OpenTelemetryRecorder
from kneo_project.telemetry.sampling import NoLooseParts


class Spans:
    """What was recorded so far; ``tracer`` is that of somebody else."""

    def __init__(self, exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
        self._exporter = exporter
        self.provider = provider
        self.tracer = provider.get_tracer("somebody.else")

    def all(self) -> list[ReadableSpan]:
        """Return the spans that have ended, in that order."""
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        """Return the ended spans of that name."""
        return [span for span in self.all() if span.name == name]

    def above(self, span: ReadableSpan) -> list[str]:
        """Return the names of the spans around ``span``, the innermost first."""
        by_id = {each.context.span_id: each for each in self.all()}
        names = []
        while span.parent:
            span = by_id[span.parent.span_id]
            names.append(span.name)
        return names


@contextmanager
def recorded(*contents: Content) -> Iterator[Spans]:
    """Record the spans of this process inside the block, with ``contents`` on them."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=NoLooseParts(DEFAULT_ON), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(RedactingExporter(exporter)))
    spans.record_with(OpenTelemetryRecorder(provider.get_tracer("kneo_serv"), frozenset(contents)))
    try:
        yield Spans(exporter, provider)
    finally:
        spans.record_with(None)
