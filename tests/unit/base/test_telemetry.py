"""Telemetry that is off costs nothing, and one that cannot be set up says why."""

import os
import subprocess
import sys

import pytest

from kneo_project import spans

PROGRAM = """
import sys
import django
django.setup()
import {}
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def imported(module: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Return what a process ends with that imports ``module``: the modules of OpenTelemetry in its output."""
    environment = {"DJANGO_SETTINGS_MODULE": "kneo_project.settings", **environment}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", ["kneo_project.wsgi", "runs.tasks"])
def test_nothing_of_opentelemetry_is_imported_while_it_is_off(module: str) -> None:
    assert imported(module).stdout == "[]\n"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "there are otlp, console and none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "must be http/protobuf"),
    ],
)
def test_what_is_not_here_refuses_to_start_with_a_sentence(variable: str, value: str, told: str) -> None:
    ended = imported("kneo_project.wsgi", KNEO_SERV_OTEL_ENABLED="true", **{variable: value})
    assert ended.returncode == 1
    assert told in ended.stderr


def test_with_nobody_recording_a_span_is_one_object_for_all() -> None:
    assert spans.span("a", {}) is spans.span("b", {})
    assert (spans.traceparent(), spans.ids(), spans.is_recording()) == (None, {}, False)
