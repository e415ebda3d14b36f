"""API keys of the database: make, list, revoke."""

import re
from argparse import ArgumentParser
from datetime import timedelta
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from kneo_project.apikeys.models import ApiKey
from kneo_project.apikeys.services import create_key, revoke_key
from kneo_project.errors import KneoError
from kneo_project.management.callers import caller

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}


class Command(BaseCommand):
    """Make, list and revoke API keys."""

    help = "Makes, lists and revokes API keys that are kept in the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what is to be done, and with which key."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and print it, this once")
        create.add_argument("name", help="the principal, as the audit log will name it")
        create.add_argument("--grant", action="append", required=True, help="a role or a scope; may be repeated")
        create.add_argument("--expires-in", help="such as 12h or 90d; default: never")
        actions.add_parser("list", help="show all keys")
        revoke = actions.add_parser("revoke", help="let a key open nothing any more")
        revoke.add_argument("prefix", help="what stands between the first two underscores of the key")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except KneoError as error:
            raise CommandError(error.message) from None

    def _create(self, options: dict[str, Any]) -> None:
        length = options["expires_in"]
        expires_at = timezone.now() + _length(length) if length else None
        row, key = create_key(options["name"], options["grant"], expires_at=expires_at, actor=caller())
        self.stderr.write(f"The key of {row.name}, which is not shown again:")
        self.stdout.write(key)

    def _list(self, _: dict[str, Any]) -> None:
        table = Table("key", "name", "grants", "state", "expires", "last used")
        for row in ApiKey.objects.all():
            moments = (f"{at:%Y-%m-%d %H:%M}" if at else "–" for at in (row.expires_at, row.last_used_at))  # noqa: RUF001
            table.add_row(row.prefix, row.name, ", ".join(row.grants), row.state, *moments)
        Console(file=cast("IO[str]", self.stdout), width=120).print(table)

    def _revoke(self, options: dict[str, Any]) -> None:
        row = revoke_key(options["prefix"], actor=caller())
        self.stdout.write(f"The key {row.prefix} of {row.name} opens nothing any more.")


def _length(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([hd])", text)
    if found is None:
        raise CommandError("--expires-in is a number of hours or days, such as 12h or 90d.")
    return int(found[1]) * UNITS[found[2]]
