"""Diagnostics as a table for the terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from specs.file_checks import FileCheck

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
COLUMNS = ("Severity", "Code", "Location", "Message", "Suggestion")


def check_table(checks: Iterable[FileCheck]) -> Table:
    """Return a row for each diagnostic of ``checks``."""
    rows = [(check.path, diagnostic.as_dict()) for check in checks for diagnostic in check.diagnostics]
    return _table(rows)


def problem_table(diagnostics: Iterable[Mapping[str, Any]]) -> Table:
    """Return a row for each of ``diagnostics`` in their public form, which are all about one file."""
    return _table([("", diagnostic) for diagnostic in diagnostics])


def printable(text: str) -> str:
    """Return ``text`` without what would steer the terminal: names in a spec are any text."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _table(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Table:
    table = Table(show_edge=False, pad_edge=False, expand=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column in {"Severity", "Code"})
    for file, diagnostic in rows:
        for entry in diagnostic.get("problems") or [diagnostic]:
            table.add_row(*_row(file, entry))
    return table


def _row(file: str, entry: Mapping[str, Any]) -> list[Text]:
    severity = Text(entry["severity"], style=STYLES[entry["severity"]])
    texts = (entry["code"], _location(file, entry), entry["message"], entry.get("suggestion") or "")
    return [severity, *(Text(printable(text)) for text in texts)]


def _location(file: str, entry: Mapping[str, Any]) -> str:
    position = f"{entry['line']}:{entry['column']}" if entry.get("line") else ""
    place = ":".join(part for part in (file, position) if part)
    return " ".join(part for part in (place, entry["path"]) if part)
