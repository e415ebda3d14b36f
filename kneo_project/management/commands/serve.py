"""``manage.py serve``: the whole stack on one machine, without any server to install."""

import os
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from rich.console import Console

from kneo_project.stack import preparing, programs
from kneo_project.stack.banner import banner, base_url
from kneo_project.stack.listening import StartRefused, listen
from kneo_project.stack.supervising import Supervisor


class Command(BaseCommand):
    """Prepares the database, starts web, worker and beat, and keeps them running until Ctrl-C or SIGTERM."""

    requires_system_checks = []  # they ask the database, which needs the state directory
    help = "Start web, worker and beat together. Without further settings they run on SQLite and need no server."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where to listen."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 is any free one")

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        """Run the stack until it is told to stop."""
        console = Console(highlight=False)
        try:
            settings.STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check()
            listener = listen(host, port)
            preparing.bring_schema_up_to_date()
            password = preparing.ensure_admin()
        except StartRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            raise CommandError(f"{settings.STATE_DIR} cannot be written ({error.strerror}).") from error
        console.print(banner(base_url(listener), password=password))
        connections.close_all()
        os.environ["CELERY_SKIP_CHECKS"] = "1"  # they have just passed, once for all
        supervisor = Supervisor(
            programs.stack(listener.fileno()),
            logs=settings.STATE_DIR / "logs",
            say=lambda line: console.print(line, style="yellow", markup=False),
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.stop())
        supervisor.run()
        console.print("Stopped.")
