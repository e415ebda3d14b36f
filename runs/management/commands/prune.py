"""``manage.py prune``: what is past its window, and doing away with it now."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from kneo_project.cli.output import show, table
from kneo_project.errors import KneoError
from runs.retention import rounds
from runs.retention.windows import KINDS, Window, windows

ACTOR = "cli"
COLUMNS = ("Kind", "Days", "Said by", "Past it", "Pruned")


class Command(BaseCommand):
    """Prunes until nothing is left that is past its window."""

    help = "Delete what is past its retention window, as beat lets the workers do. Nothing has a window by default."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to prune, and how to tell of it."""
        parser.add_argument("--dry-run", action="store_true", help="count what would go, and delete nothing")
        parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind; may be repeated")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON instead of a table")

    def handle(self, *, dry_run: bool, kind: list[str] | None, as_json: bool, **_: Any) -> None:
        """Count, prune, and tell."""
        try:
            known = windows(kind or KINDS)
        except KneoError as error:
            raise CommandError(error.message) from error
        limits = rounds.limits(known, timezone.now())
        past = rounds.rehearse(limits)
        pruned = dict.fromkeys(limits, 0) if dry_run else rounds.prune(known, limits, actor=ACTOR)
        if as_json:
            self.stdout.write(json.dumps({"dry_run": dry_run, "kinds": _documents(known, past, pruned)}, indent=2))
        elif not limits:
            self.stdout.write("No retention window is set, so that everything is kept: nothing was pruned.")
        else:
            show(table(COLUMNS, [tuple(row.values()) for row in _documents(known, past, pruned)]))


def _documents(known: list[Window], past: dict[str, int], pruned: dict[str, int]) -> list[dict[str, object]]:
    """Return what there is to tell of each kind."""
    return [
        {
            "kind": window.kind,
            "days": window.days,
            "origin": window.origin,
            "past": past.get(window.kind, 0),
            "pruned": pruned.get(window.kind, 0),
        }
        for window in known
    ]
