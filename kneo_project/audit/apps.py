"""Who did what. Imports nobody above the base layer, so that everybody may record."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """App configuration."""

    name = "kneo_project.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
