"""Runs: the only place where work moves forward."""

import os

from django.apps import AppConfig
from django.conf import settings

from runs.agents.secrets import lookup


class RunsConfig(AppConfig):
    """App configuration."""

    name = "runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Know the secrets that specs may name, so that none of them is shown, whoever repeats it."""
        for ref in settings.SECRET_REFS:
            lookup(ref, os.environ)
