"""People for the operators' site."""

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from kneo_project.errors import KneoError
from kneo_project.management.callers import caller
from kneo_project.people.groups import GROUPS
from kneo_project.people.services import create_person


class Command(BaseCommand):
    """Make somebody who may use the operators' site."""

    help = "Makes somebody who may use the operators' site (/admin/)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the name, the groups, and where the password comes from."""
        parser.add_argument("name", help="the user name, as the audit log will show it")
        groups = f"{', '.join(GROUPS)}, or one of your own; may be repeated"
        parser.add_argument("--group", action="append", required=True, help=groups)
        secret = parser.add_mutually_exclusive_group()
        secret.add_argument("--password-file", type=Path, help="its first line is the password; asked for by default")
        secret.add_argument("--no-password", action="store_true", help="for who logs in by an identity provider only")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        password = None if options["no_password"] else _password(options["password_file"])
        try:
            person = create_person(options["name"], options["group"], password, actor=caller())
        except KneoError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{person.username} may use the operators' site as: {', '.join(options['group'])}.")


def _password(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().partition("\n")[0].rstrip("\r")
        except OSError as error:
            raise CommandError(f"The password cannot be read from {file}: {error.strerror}.") from None
    if not sys.stdin.isatty():
        raise CommandError("There is nobody to ask for a password: name a file (--password-file), or --no-password.")
    first, again = getpass.getpass("Password: "), getpass.getpass("Once more: ")
    if first != again:
        raise CommandError("The two passwords differ.")
    return first
