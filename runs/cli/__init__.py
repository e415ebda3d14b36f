"""The commands over runs: ``manage.py runs`` and ``kneo runs``."""

from runs.cli.app import app

__all__ = ["app"]
