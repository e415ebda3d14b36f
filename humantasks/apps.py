"""Questions put to people, and their answers."""

from django.apps import AppConfig


class HumanTasksConfig(AppConfig):
    """App configuration."""

    name = "humantasks"
    default_auto_field = "django.db.models.BigAutoField"
