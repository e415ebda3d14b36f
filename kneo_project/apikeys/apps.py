"""API keys that are kept in the database."""

from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    """App configuration."""

    name = "kneo_project.apikeys"
    label = "apikeys"
    verbose_name = "API keys"
    default_auto_field = "django.db.models.BigAutoField"
