"""``manage.py restore``: a backup, put back."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kneo_project.backups.manifest import Manifest
from kneo_project.backups.services import check_backup, has_same_key, restore
from kneo_project.errors import KneoError
from runs.restored import STATEMENTS, signs_of_life


class Command(BaseCommand):
    """Puts a backup back, all of it or nothing."""

    help = (
        "Put a backup back, into a database that nobody uses and that holds nothing. Leases are taken from all "
        "workers, so that none of the world before can write."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add which backup, and what may be lost."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--check", action="store_true", help="only look whether it is whole and fits")
        parser.add_argument(
            "--yes-replace", action="store_true", help="replace what the database holds, even if it seems to be in use"
        )

    def handle(self, *, file: Path, check: bool, yes_replace: bool, **_: Any) -> None:
        """Do it, or say why not."""
        try:
            if check:
                manifest = check_backup(file)
            else:
                signs = signs_of_life()
                manifest = restore(file, signs_of_life=signs, afterwards=STATEMENTS, replace=yes_replace)
        except KneoError as error:
            raise CommandError(error.message) from None
        self.stdout.write(_told(manifest, "fits, and is whole" if check else "is back"))
        if not has_same_key(manifest):
            self.stderr.write("KNEO_SERV_SECRET_KEY is another one: the secrets of webhooks cannot be read under it.")
        if not check:
            self.stdout.write("Next: kneo migrate, kneo manage doctor --audit, then start web, workers and beat.")


def _told(manifest: Manifest, what: str) -> str:
    rows = sum(manifest.rows.values())
    return f"The backup of {manifest.made_at} by {manifest.version} {what}: {rows} rows of {len(manifest.rows)} tables."
