"""Diagnostics as a table for the terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from kneo_project.cli.output import printable
from specs.file_checks import FileCheck
from specs.language.diagnostics import MOST_TOLD, told

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
MOST_ROWS = MOST_TOLD + 1
COLUMNS = ("Severity", "Code", "Location", "Message", "Suggestion")


def check_table(checks: Iterable[FileCheck]) -> Table:
    """Return a row for each diagnostic of ``checks``."""
    return _table((check.path, diagnostic) for check in checks for diagnostic in told(check.diagnostics))


def problem_table(diagnostics: Iterable[Mapping[str, Any]]) -> Table:
    """Return a row for each of ``diagnostics`` in their public form, which are all about one file."""
    return _table([("", diagnostic) for diagnostic in diagnostics])


def _table(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Table:
    table = Table(show_edge=False, pad_edge=False, expand=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column in {"Severity", "Code"})
    entries = [(file, entry) for file, public in rows for entry in public.get("problems") or [public]]
    for file, entry in entries[:MOST_ROWS]:
        table.add_row(*_row(file, entry))
    if (more := len(entries) - MOST_ROWS) > 0:
        table.caption = f"and {more:,} more"
    return table


def _row(file: str, entry: Mapping[str, Any]) -> list[Text]:
    # What a service says may be of another release than this.
    word = str(entry.get("severity", ""))
    severity = Text(printable(word), style=STYLES.get(word, ""))
    texts = (entry.get("code"), _location(file, entry), entry.get("message"), entry.get("suggestion"))
    return [severity, *(Text(printable(str(text or ""))) for text in texts)]


def _location(file: str, entry: Mapping[str, Any]) -> str:
    position = f"{entry['line']}:{entry['column']}" if entry.get("line") else ""
    place = ":".join(part for part in (file, position) if part)
    return " ".join(part for part in (place, entry.get("path")) if part)
