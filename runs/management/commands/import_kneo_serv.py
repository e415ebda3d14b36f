"""``manage.py import_kneo_serv``: the records of a published kneo-serv, taken over."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from kneo_project.cli.output import show, table
from runs.importing.rounds import Count, Import
from runs.importing.sources import SourceRefused, opened

ACTOR = "cli"
BATCH_SIZE = 100
COLUMNS = ("Records", "There", "Taken over", "Here already", "Left out", "Why")


class Command(BaseCommand):
    """Takes over runs, checkpoints, traces, audit events and environment policies."""

    help = (
        "Take over the records of a published kneo-serv (0.10 to 1.2): runs with their history, audit events, and "
        "environment policies. The source is only read. It may be stopped at any time, and begun again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where the records are, and how they are taken over."""
        parser.add_argument("source", help="an SQLite file (.kneo/kneo_runs.sqlite), or a postgresql:// URL")
        parser.add_argument("--dry-run", action="store_true", help="count what would be taken over, and write nothing")
        parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="runs in a transaction (%(default)s)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON instead of a table")

    def handle(self, *, source: str, dry_run: bool, batch_size: int, as_json: bool, **_: Any) -> None:
        """Open, take over, and tell."""
        if batch_size < 1:
            raise CommandError("A batch has at least one run.")
        try:
            with opened(source) as database:
                importing = Import(source=database, actor=ACTOR, batch_size=batch_size, is_dry=dry_run)
                for done in importing.go():
                    self._tell_progress(done, importing.counts["runs"].found)
        except SourceRefused as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(
                f"The database of this service could not be used ({type(error).__name__}). What was taken over stays. "
                "Ask `kneo manage doctor`, then begin again."
            ) from error
        if as_json:
            self.stdout.write(json.dumps(_document(importing), indent=2))
        else:
            show(table(COLUMNS, [_row(kind, count) for kind, count in importing.counts.items()]))
            self._tell_more(importing)

    def _tell_progress(self, done: int, found: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {found:,} runs", ending="\n" if done == found else "")

    def _tell_more(self, importing: Import) -> None:
        taken = sum(count.taken for count in importing.counts.values())
        if importing.is_dry:
            self.stdout.write("A dry run: nothing was written.")
        elif not taken:
            self.stdout.write("Nothing was imported: all that can be taken over is here already.")
        if number := importing.unfinished:
            which = "1 run had" if number == 1 else f"{number} runs had"
            self.stdout.write(
                f"{which} not ended there: failed here, with the error type imported_unfinished. "
                "Start again what is still wanted."
            )


def _row(kind: str, count: Count) -> tuple[object, ...]:
    why = "; ".join(reason if len(count.left_out) == 1 else f"{number} {reason}" for reason, number in _reasons(count))
    return kind, count.found, count.taken, count.here, count.left_out.total(), why


def _reasons(count: Count) -> list[tuple[str, int]]:
    return count.left_out.most_common()


def _document(importing: Import) -> dict[str, object]:
    """Return what there is to tell, for programs."""
    kinds = [
        {
            "kind": kind,
            "found": count.found,
            "taken_over": count.taken,
            "here_already": count.here,
            "left_out": dict(_reasons(count)),
        }
        for kind, count in importing.counts.items()
    ]
    return {"dry_run": importing.is_dry, "unfinished": importing.unfinished, "kinds": kinds}
