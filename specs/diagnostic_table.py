"""Diagnostics as a table for the terminal."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from specs.file_checks import FileCheck
from specs.language.diagnostics import Diagnostic, Severity

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
COLUMNS = ("Severity", "Code", "Location", "Message", "Suggestion")


def diagnostic_table(checks: Iterable[FileCheck]) -> Table:
    """Return a row for each diagnostic of ``checks``."""
    table = Table(show_edge=False, pad_edge=False, expand=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column in {"Severity", "Code"})
    for check in checks:
        for diagnostic in check.diagnostics:
            table.add_row(*_row(check.path, diagnostic))
    return table


def _row(path: str, diagnostic: Diagnostic) -> list[Text]:
    severity = Text(diagnostic.severity, style=STYLES[diagnostic.severity])
    texts = (diagnostic.code, _location(path, diagnostic), diagnostic.message, diagnostic.suggestion or "")
    return [severity, *(Text(printable(text)) for text in texts)]


def _location(path: str, diagnostic: Diagnostic) -> str:
    place = path if diagnostic.line is None else f"{path}:{diagnostic.line}:{diagnostic.column}"
    return f"{place} {diagnostic.path}" if diagnostic.path else place


def printable(text: str) -> str:
    """Return ``text`` without what would steer the terminal: names in a spec are any text."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
