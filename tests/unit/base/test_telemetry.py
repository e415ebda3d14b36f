"""Telemetry that is off costs nothing, and one that cannot be set up says why."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from kneo_project import spans
from kneo_project.telemetry.starting import begin_telemetry

PROGRAM = """
import sys
import django
django.setup()
import kneo_project.urls, runs.tasks
from kneo_project.telemetry.starting import begin_telemetry
begin_telemetry("web")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_nothing_of_opentelemetry_is_imported_while_it_is_off() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "kneo_project.settings"}
    ended = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "there are otlp, console and none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "must be http/protobuf"),
    ],
)
def test_what_is_not_here_refuses_to_start_with_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    settings.OTEL_ENABLED = True
    monkeypatch.setattr(os, "environ", {**os.environ, variable: value})
    with pytest.raises(ImproperlyConfigured, match=told):
        begin_telemetry("web")
    assert not spans.is_recording()


def test_the_standard_switch_turns_all_of_it_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OTEL_ENABLED = True
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    begin_telemetry("web")
    assert not spans.is_recording()


def test_with_nobody_recording_a_span_is_one_object_for_all() -> None:
    assert spans.span("a", {}) is spans.span("b", {})
    assert (spans.traceparent(), spans.ids(), spans.is_recording()) == (None, {}, False)
