"""``manage.py partition``: checkpoints and trace events by month, for installations with very many runs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection
from django.utils import timezone

from kneo_project.doctor.findings import first_line
from runs.partitions.converting import convert, is_partitioned
from runs.partitions.months import months
from runs.restored import signs_of_life


class Command(BaseCommand):
    """Partitions once; after that it tells which months there are."""

    help = (
        "Keep checkpoints and trace events in a partition for each month, so that pruning drops whole months. "
        "PostgreSQL only. There is no way back but a backup."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the word that is needed."""
        parser.add_argument("--yes", action="store_true", help="do it; without this, only say whether it can be done")

    def handle(self, *, yes: bool, **_: Any) -> None:
        """Partition, or say why not."""
        if connection.vendor != "postgresql":
            raise CommandError("Only PostgreSQL has partitions: this database is left as it is.")
        if is_partitioned():
            self.stdout.write(f"The tables are partitioned. Months: {', '.join(map(str, months()))}.")
            return
        if in_use := signs_of_life():
            raise CommandError(f"{' '.join(in_use)} Stop workers, web and beat first.")
        if not yes:
            self.stdout.write("The tables can be partitioned. Make a backup, then say --yes.")
            return
        try:
            done = convert(timezone.now())
        except OperationalError as error:
            raise CommandError(f"Nothing was changed: {first_line(error)}. Stop web and beat first.") from error
        self.stdout.write(f"Partitioned. Months: {', '.join(map(str, done.months))}. Rows moved: {done.moved:,}.")
