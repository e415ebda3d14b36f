"""Telling others what happened."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """App configuration."""

    name = "kneo_project.webhooks"
    label = "webhooks"
    verbose_name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"
