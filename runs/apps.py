"""Runs: the only place where work moves forward."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """App configuration."""

    name = "runs"
    default_auto_field = "django.db.models.BigAutoField"
