"""Questions put to people, and their answers."""

from django.apps import AppConfig


class HumanTasksConfig(AppConfig):
    """App configuration."""

    name = "humantasks"
    verbose_name = "Human tasks"
    default_auto_field = "django.db.models.BigAutoField"
