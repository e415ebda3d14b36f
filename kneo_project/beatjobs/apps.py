"""The beat's jobs."""

from django.apps import AppConfig


class BeatJobsConfig(AppConfig):
    """App configuration."""

    name = "kneo_project.beatjobs"
    label = "beatjobs"
    verbose_name = "beat"
    default_auto_field = "django.db.models.BigAutoField"
