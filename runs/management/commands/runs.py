"""``manage.py runs``: the commands over runs, which ``kneo runs`` has too."""

from argparse import REMAINDER, ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from runs.cli import app


class Command(BaseCommand):
    """Hand everything after the name of the command to the tree of commands, which knows its own options."""

    help = "Work on runs. See `runs --help`."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the command line."""
        app(argv[2:], prog_name=f"{Path(argv[0]).name} {argv[1]}")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whatever follows, when called from code."""
        parser.add_argument("arguments", nargs=REMAINDER)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run from code; ends in SystemExit with the status, as on the command line."""
        app(options["arguments"], prog_name="runs")
