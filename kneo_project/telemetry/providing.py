"""Sets OpenTelemetry up in a process, as its standard variables say."""

import os
import socket
from importlib.metadata import entry_points

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from kneo_project import spans
from kneo_project.spans import Content
from kneo_project.telemetry.exporting import RedactingExporter
from kneo_project.telemetry.recording import OpenTelemetryRecorder
from kneo_project.telemetry.sampling import NoLooseParts
from kneo_project.version import version

TRACER = "kneo_serv"
# What is asked every few seconds by a machine is no trace that anybody looks for.
UNTRACED_URLS = "healthz,livez,readyz,metrics,static/"
DEFAULTS = {
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",  # the names of attributes that are stable by now
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2",  # seconds: a process that stops waits for it
}
SERVED_PROTOCOL = "http/protobuf"


def begin(role: str) -> None:
    """Record and export the spans of this process from now on, and let Django, Celery and psycopg tell of theirs.

    Raises:
        ImproperlyConfigured: there is no such exporter here.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    provider = TracerProvider(resource=_resource(role))
    provider.sampler = NoLooseParts(provider.sampler)
    for exporter in _exporters():
        provider.add_span_processor(BatchSpanProcessor(RedactingExporter(exporter)))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(excluded_urls=os.environ.get("OTEL_PYTHON_DJANGO_EXCLUDED_URLS") or UNTRACED_URLS)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    PsycopgInstrumentor().instrument()
    spans.record_with(OpenTelemetryRecorder(provider.get_tracer(TRACER, version()), _contents()))


def _resource(role: str) -> Resource:
    """Return what the process is; what the operator says of it in the standard variables counts more."""
    ours = {
        "service.name": "kneo-serv",
        "service.version": version(),
        "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        "kneo.process": role,
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def _exporters() -> list[SpanExporter]:
    names = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    return [_exporter(name) for name in (each.strip() for each in names.split(",")) if name != "none"]


def _exporter(name: str) -> SpanExporter:
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if name == "otlp" and protocol not in {None, "", SERVED_PROTOCOL}:
        raise ImproperlyConfigured(f"OTEL_EXPORTER_OTLP_PROTOCOL must be {SERVED_PROTOCOL}, not {protocol!r}.")
    known = entry_points(group="opentelemetry_traces_exporter", name="otlp_proto_http" if name == "otlp" else name)
    if not known:
        raise ImproperlyConfigured(f"OTEL_TRACES_EXPORTER names {name!r}; there are otlp, console and none.")
    exporter: SpanExporter = next(iter(known)).load()()
    return exporter


def _contents() -> frozenset[Content]:
    wanted = {
        Content.ARGUMENTS: settings.OTEL_RECORD_ARGUMENTS,
        Content.RESULTS: settings.OTEL_RECORD_RESULTS,
        Content.MESSAGES: settings.OTEL_RECORD_MESSAGES,
    }
    return frozenset(content for content, is_wanted in wanted.items() if is_wanted)
