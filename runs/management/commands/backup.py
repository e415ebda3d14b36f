"""``manage.py backup``: the database in one file, while the service goes on."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kneo_project.backups.services import make_backup
from kneo_project.errors import KneoError


class Command(BaseCommand):
    """Writes a backup, reads it again, and says what is in it."""

    help = (
        "Write the database to a file that only its owner can read, and check what was written. Not in it: "
        "KNEO_SERV_SECRET_KEY, without which the secrets of webhooks cannot be read."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where to, and how to tell of it."""
        parser.add_argument("file", type=Path, help="must not be there yet")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the manifest as JSON")

    def handle(self, *, file: Path, as_json: bool, **_: Any) -> None:
        """Write it."""
        try:
            manifest = make_backup(file)
        except KneoError as error:
            raise CommandError(error.message) from None
        if as_json:
            self.stdout.write(manifest.as_json())
            return
        rows = sum(manifest.rows.values())
        self.stdout.write(f"{file}: {rows} rows of {len(manifest.rows)} tables, checked (sha256 {manifest.sha256}).")
        self.stdout.write("Keep KNEO_SERV_SECRET_KEY with it, in another place.")
