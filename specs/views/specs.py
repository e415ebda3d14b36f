"""Judging, explaining and drawing specs. Nothing is stored but the audit event."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kneo_project.api.answers import missing, refusals
from kneo_project.api.permissions import actor_of
from kneo_project.api.views import ApiView
from kneo_project.audit.services import record
from kneo_project.errors import InvalidRequest
from kneo_project.redaction import redact
from specs import services
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid, SpecPathConfined
from specs.language.diagnostics import told
from specs.language.drawing import draw
from specs.language.explaining import summarise
from specs.language.json_schema import author_schema
from specs.language.policy_report import policy_report
from specs.serializers import (
    PolicyReportSerializer,
    SpecCompileRequestSerializer,
    SpecCompileSerializer,
    SpecEnvelopeSerializer,
    SpecExplainSerializer,
    SpecGraphSerializer,
    SpecValidateSerializer,
    source_in,
)
from specs.services import SpecSource

UNREADABLE = (missing("body"), InvalidRequest(), SpecInvalid(diagnostics=[]), SpecPathConfined())
UNUSABLE = (*UNREADABLE, EnvironmentPolicyBlocked(diagnostics=[]))


class SpecView(ApiView):
    """A question about a spec that is sent along."""

    required_scope = "specs:read"

    def source_of(self, request: Request) -> SpecSource:
        """Return the spec that the body names."""
        return source_in(self.read_body(request, SpecEnvelopeSerializer))

    def note(self, request: Request, event_type: str, source: SpecSource, **facts: object) -> None:
        """Record who asked about which spec."""
        named = {
            "spec_path": source.spec_path,
            "inline_spec": source.spec is not None,
            "environment": source.environment,
            "overlays": list(source.overlays),
        }
        record(event_type, actor=actor_of(request), metadata=named | facts)


class ValidateView(SpecView):
    """Whether a spec is valid."""

    @extend_schema(
        tags=["specs"],
        request=SpecEnvelopeSerializer,
        responses={200: SpecValidateSerializer, **refusals("specs:read", *UNREADABLE)},
    )
    def post(self, request: Request) -> Response:
        """Check a spec and return everything there is to say about it."""
        source = self.source_of(request)
        examination = services.inspect(source)
        valid = not examination.errors
        self.note(request, "spec.validated", source, valid=valid)
        diagnostics = told(examination.diagnostics)
        return Response({"valid": valid, "diagnostics": diagnostics})


class CompileView(SpecView):
    """Whether a spec can be run."""

    @extend_schema(
        tags=["specs"],
        request=SpecCompileRequestSerializer,
        responses={200: SpecCompileSerializer, **refusals("specs:read", *UNUSABLE)},
    )
    def post(self, request: Request) -> Response:
        """Compile a spec as a run would. Without ``strict``, errors do not hinder the summary."""
        body = self.read_body(request, SpecCompileRequestSerializer)
        source = source_in(body)
        spec, examination = services.inspect_for(source, strict=body["strict"])
        valid = not examination.errors
        self.note(request, "spec.compiled", source, valid=valid)
        diagnostics = told(examination.diagnostics)
        return Response({"ok": valid, "diagnostics": diagnostics, "summary": summarise(spec).as_compiled()})


class ExplainView(SpecView):
    """What is in a spec."""

    @extend_schema(
        tags=["specs"],
        request=SpecEnvelopeSerializer,
        responses={200: SpecExplainSerializer, **refusals("specs:read", *UNUSABLE)},
    )
    def post(self, request: Request) -> Response:
        """Name the parts of a spec."""
        source = self.source_of(request)
        spec, _ = services.inspect_for(source)
        self.note(request, "spec.explained", source)
        return Response({"summary": summarise(spec).as_explained()})


class GraphView(SpecView):
    """A spec as a picture."""

    @extend_schema(
        tags=["specs"],
        request=SpecEnvelopeSerializer,
        responses={200: SpecGraphSerializer, **refusals("specs:read", *UNUSABLE)},
    )
    def post(self, request: Request) -> Response:
        """Return the root workflow of a spec as nodes and edges."""
        source = self.source_of(request)
        spec, _ = services.inspect_for(source)
        drawn: dict[str, Any] = draw(spec).as_dict()
        self.note(request, "spec.graph", source, workflow_kind=drawn["workflow_kind"])
        return Response(drawn)


class PolicyReportView(SpecView):
    """What a spec may do."""

    @extend_schema(
        tags=["specs"],
        request=SpecEnvelopeSerializer,
        responses={200: PolicyReportSerializer, **refusals("specs:read", *UNREADABLE)},
    )
    def post(self, request: Request) -> Response:
        """Report what the agents of a spec may do, and which people are asked."""
        source = self.source_of(request)
        report = policy_report(services.inspect(source))
        self.note(request, "spec.policy_reported", source, valid=report["valid"])
        return Response({"valid": report["valid"], "report": redact(report)})


class SchemaView(ApiView):
    """The language itself, for editors."""

    required_scope = None

    @extend_schema(tags=["specs"], responses={200: dict[str, Any], 304: None})
    def get(self, request: Request) -> HttpResponseBase:
        """Return the JSON Schema of the spec language."""
        schema = author_schema()
        headers = {"Cache-Control": "public, max-age=3600", "ETag": _etag(schema)}
        whole = Response(schema, headers=headers)
        return get_conditional_response(request, etag=headers["ETag"], response=whole) or whole


def _etag(document: Mapping[str, Any]) -> str:
    return quote_etag(hashlib.sha256(json.dumps(document).encode()).hexdigest()[:32])
