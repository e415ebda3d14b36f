"""One program of a deployment in place of this process: what ``kneo web`` and its siblings become.

They are replaced, not watched: whoever started them (a container engine, systemd, an orchestrator) signals the program
itself, and sees its exit status.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

from kneo_project.checks import refuse_impossible_settings
from kneo_project.stack import programs
from kneo_project.stack.command_line import run_command
from kneo_project.stack.listening import StartRefused, listen
from kneo_project.stack.programs import Program


def become_web(*, host: str, port: int, processes: int) -> NoReturn:
    """Become the server of the API and the admin: ``processes`` of them behind one socket."""
    _become(lambda: programs.web(listen(host, port).detach(), processes=processes))


def become_events(*, host: str, port: int) -> NoReturn:
    """Become the server of event streams."""
    _become(lambda: programs.events(listen(host, port).detach()))


def become_worker() -> NoReturn:
    """Become a worker."""
    _become(programs.worker)


def become_beat() -> NoReturn:
    """Become a beat."""
    _become(programs.beat)


def manage(arguments: Sequence[str]) -> None:
    """Run a management command, as ``manage.py`` does in the source tree."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
    # Functions of specs lie where the specs do, and a console script does not look there.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    run_command(["kneo manage", *arguments])


def _become(choose: Callable[[], Program]) -> NoReturn:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
    try:
        refuse_impossible_settings()
        program = choose()
    except (StartRefused, ImproperlyConfigured) as refusal:
        sys.exit(f"Refusing to start: {refusal}")
    for descriptor in program.inherits:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the signature of os
    os.execv(program.command[0], program.command)  # noqa: S606 - our own program, in our place
