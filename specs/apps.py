"""The spec language, where specs come from, and which policies they must pass."""

from django.apps import AppConfig


class SpecsConfig(AppConfig):
    """App configuration."""

    name = "specs"
    default_auto_field = "django.db.models.BigAutoField"
