"""The routes that have no version: they are for machines that watch, not for clients."""

from django.urls import path

from runs.views.metrics import MetricsView

urlpatterns = [path("metrics", MetricsView.as_view(), name="metrics")]
