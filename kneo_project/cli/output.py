"""What every command prints, and how."""

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kneo_project.errors import InvalidRequest, KneoError
from kneo_project.redaction import preview

WIDTH_OFF_TERMINAL = 160
FAILED, WRONG_USAGE = 1, 2


class OutputUnusable(KneoError):
    """The output cannot be written."""

    code = "output_unusable"


@contextmanager
def failures_told(*, as_json: bool) -> Iterator[None]:
    """Turn what goes wrong inside into a message on stderr and the exit status 1."""
    try:
        yield
    except KneoError as error:
        tell(error, as_json=as_json)
        raise typer.Exit(FAILED) from None


@contextmanager
def text_and_output_told(*, as_json: bool) -> Iterator[None]:
    """Turn text that nobody can encode, and a full disk behind stdout, into a message on stderr and a status."""
    try:
        yield
    except UnicodeEncodeError as error:
        if "surrogates" not in error.reason:
            raise
        tell(InvalidRequest("An argument of the command is not UTF-8 text."), as_json=as_json)
        sys.exit(WRONG_USAGE)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left cannot be written either
        tell(OutputUnusable(f"The output cannot be written: {error.strerror}."), as_json=as_json)
        sys.exit(FAILED)


def tell(error: KneoError, *, as_json: bool) -> None:
    """Print what went wrong, on stderr: a sentence, or one JSON document."""
    if as_json:
        show_json({"error": error.code, "message": error.message, **error.data}, on_stderr=True)
    else:
        typer.echo(f"error: {printable(error.message)}", err=True)


def show(renderable: RenderableType, *, on_stderr: bool = False) -> None:
    """Print for a person: with colours and the width of the terminal, or without colours and wide."""
    console = Console(stderr=on_stderr)
    if not console.is_terminal:
        console = Console(stderr=on_stderr, width=WIDTH_OFF_TERMINAL)
    console.print(renderable)


def say(text: str) -> None:
    """Print a line that may hold names from elsewhere."""
    typer.echo(printable(text))


def warn(text: str) -> None:
    """Print a line on stderr about something odd that stops nobody."""
    typer.echo(f"warning: {printable(text)}", err=True)


def show_json(document: Mapping[str, Any], *, on_stderr: bool = False) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False), err=on_stderr)


def printable(text: str) -> str:
    """Return ``text`` without what would steer the terminal: what others wrote is any text."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return ``rows`` under ``columns``, of each value its beginning."""
    grid = Table(show_edge=False, pad_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(value) for value in row))
    return grid


def panel(title: str, facts: Mapping[str, object]) -> Panel:
    """Return the ``facts`` that there are, each in a line with its name."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        if value not in (None, ""):
            grid.add_row(name, _cell(value))
    return Panel(grid, title=Text(printable(title)), expand=False)


def _cell(value: object) -> Text:
    shown = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Text("\n".join(printable(line) for line in preview(shown).splitlines()))
