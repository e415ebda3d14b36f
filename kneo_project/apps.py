"""The project's own app: system checks and the commands that start the stack."""

from django.apps import AppConfig

from kneo_project.celery import app
from kneo_project.checks import register_checks
from kneo_project.logs import configure_structlog
from kneo_project.starting import guard_starts
from kneo_project.telemetry.starting import begin_in_celery


class KneoProjectConfig(AppConfig):
    """Base layer and composition root; loading it makes the Celery app the current one in every process."""

    name = "kneo_project"
    label = "kneo_project"
    verbose_name = "kneo-serv"
    celery_app = app

    def ready(self) -> None:
        """Set up what every process needs, whatever started it."""
        configure_structlog()
        register_checks()
        begin_in_celery()
        guard_starts()
