"""The routes of webhooks."""

from django.urls import path

from kneo_project.webhooks.delivery_views import DeliveriesView, PingView, RedeliverView
from kneo_project.webhooks.views import RotateSecretView, WebhooksView, WebhookView

urlpatterns = [
    path("webhooks", WebhooksView.as_view()),
    path("webhooks/<str:webhook_id>", WebhookView.as_view()),
    path("webhooks/<str:webhook_id>/rotate-secret", RotateSecretView.as_view()),
    path("webhooks/<str:webhook_id>/test", PingView.as_view()),
    path("webhooks/<str:webhook_id>/deliveries", DeliveriesView.as_view()),
    path("webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/redeliver", RedeliverView.as_view()),
]
