"""The project's own app: system checks and the commands that start the stack."""

from django.apps import AppConfig


class KneoProjectConfig(AppConfig):
    """Base layer and composition root."""

    name = "kneo_project"
    label = "kneo_project"
    verbose_name = "kneo-serv"
