"""``manage.py doctor``: what is wrong with this installation, and what to do about it."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.table import Table
from rich.text import Text

from kneo_project.cli.output import printable, say, show, show_json
from kneo_project.doctor.findings import Finding, Level, exit_status
from kneo_project.redaction import redact_text
from runs.consistency.auditing import AT_MOST, RULES, audit
from runs.consistency.rules import Breach
from runs.doctor.all_of_it import examine_all

STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.WRONG: "bold red"}


class Command(BaseCommand):
    """Looks, and changes nothing."""

    help = (
        "Say what is wrong with database, migrations, broker, workers, beat, clock, disk, secrets and settings. "
        "Exit status: 0 fine (warnings included), 1 something is wrong, 2 wrong usage."
    )
    requires_system_checks: list[str] | tuple[str, ...] = ()  # it runs them itself, and shows them among the rest

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to look at, and how to tell of it."""
        parser.add_argument("--audit", action="store_true", help="check that all that is stored fits together instead")
        parser.add_argument("--limit", type=int, default=AT_MOST, help="ids told of each broken rule (%(default)s)")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON instead of a table")

    def handle(self, *, audit: bool, limit: int, as_json: bool, **_: Any) -> None:
        """Look, tell, and end with the status."""
        status = _tell_breaches(max(limit, 1), as_json=as_json) if audit else _tell_findings(as_json=as_json)
        if status:
            sys.exit(status)


def _tell_findings(*, as_json: bool) -> int:
    findings = examine_all()
    status = exit_status(findings)
    if as_json:
        show_json({"ok": not status, "findings": [each.as_document() for each in findings]})
    else:
        show(_screen(findings))
        say("")
        say(_verdict(findings))
    return status


def _screen(findings: Iterable[Finding]) -> Table:
    grid = Table(show_edge=False, pad_edge=False, header_style="bold")
    grid.add_column("")
    grid.add_column("About", no_wrap=True)
    grid.add_column("How it is, and what to do", overflow="fold")
    before = ""
    for each in findings:
        told = Text(printable(redact_text(each.text)))
        if each.remedy:
            told.append(f"\n→ {printable(redact_text(each.remedy))}", style="bold")
        subject = "" if each.subject == before else each.subject
        grid.add_row(Text(each.level.value, style=STYLES[each.level]), subject, told)
        before = each.subject
    return grid


def _verdict(findings: Sequence[Finding]) -> str:
    counts = {level: sum(each.level is level for each in findings) for level in (Level.WRONG, Level.WARNING)}
    if not any(counts.values()):
        return "All is well."
    return f"{counts[Level.WRONG]} wrong, {counts[Level.WARNING]} to look at."


def _tell_breaches(limit: int, *, as_json: bool) -> int:
    breaches = list(audit(at_most=limit))
    if as_json:
        document = {"ok": not breaches, "rules": len(RULES), "breaches": [each.as_document() for each in breaches]}
        show_json(document)
    else:
        for breach in breaches:
            say(_sentence(breach))
        say(f"{len(RULES)} rules hold." if not breaches else f"{len(breaches)} of {len(RULES)} rules are broken.")
    return int(bool(breaches))


def _sentence(breach: Breach) -> str:
    more = ", …" if breach.count > len(breach.ids) else ""
    return f"{breach.code}: {breach.text} ({breach.count}): {', '.join(breach.ids)}{more}"
