"""``manage.py demo``: one spec with a human approval, from start to end, on a stack of its own."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from kneo_project.stack.demo_api import Api, DemoFailed
from kneo_project.stack.demonstration import Demonstration
from kneo_project.stack.private_stack import private_stack

SPEC = Path("specs", "examples", "expense_approval.yaml")


class Command(BaseCommand):
    """Starts a private stack, plays the demonstration and stops everything again."""

    help = "Run a spec with a human approval through API, broker, worker and resume, and show it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add whether the state outlives the demonstration."""
        parser.add_argument("--keep", action="store_true", help="keep the state directory with database and logs")

    def handle(self, *, keep: bool, **_: Any) -> None:
        """Play the demonstration; a failure leaves the logs behind and says where."""
        console = Console(highlight=False)
        state = Path(tempfile.mkdtemp(prefix="kneo-demo-"))
        console.print("Starting web, worker and beat on SQLite and a broker that needs no server.")
        try:
            with private_stack(state) as url:
                console.print(f"They are ready at {url}.\n")
                Demonstration(Api(url), settings.BASE_DIR / SPEC, console).play()
        except DemoFailed as failure:
            raise CommandError(f"The demonstration failed: {failure}.\nThe logs are in {state}.") from failure
        except KeyboardInterrupt as interrupt:
            raise CommandError("Interrupted; everything was stopped.", returncode=130) from interrupt
        if keep:
            console.print(f"Database and logs are kept in {state}.")
        else:
            shutil.rmtree(state)
        console.print("Everything was stopped. To start the stack and keep it: kneo serve, or make serve")
