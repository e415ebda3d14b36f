"""GET /metrics, for Prometheus."""

from collections.abc import Iterable

from django.conf import settings
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from rest_framework.request import Request

from kneo_project.api.views import ApiView
from runs.inspection.measures import measures
from runs.rejections import rejections

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_EXAMPLE = "# HELP kneo_runs_started_total Runs ordered.\n# TYPE kneo_runs_started_total counter\n"
EXAMPLE = _EXAMPLE + "kneo_runs_started_total 42.0\n"


class _Measures(Collector):
    def collect(self) -> Iterable[Metric]:
        return measures()


class MetricsView(ApiView):
    """Metrics of the whole deployment: whichever web process answers, and however often any of them restarted."""

    required_scope = None

    @extend_schema(
        tags=["metrics"],
        responses={
            (200, "text/plain"): OpenApiResponse(
                OpenApiTypes.STR,
                examples=[OpenApiExample("metrics", EXAMPLE, media_type="text/plain", status_codes=["200"])],
            )
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """Show the metrics in the text format of Prometheus; 404 where they are switched off."""
        if not settings.METRICS_ENABLED:
            raise Http404
        rejections.write()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Measures())
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE)
