"""What the commands print, and the status they exit with."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, RenderableType

from kneo_project.errors import InvalidRequest, KneoError
from specs.cli.tables import printable, problem_table
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid
from specs.language.diagnostics import SpecError

WIDTH_OFF_TERMINAL = 160


class Status(IntEnum):
    """What an exit status means; 2 is wrong usage and given by the parser of the command line."""

    FINE = 0
    NOT_FINE = 1
    UNABLE = 3


@contextmanager
def failures_told(*, as_json: bool) -> Iterator[None]:
    """Turn what goes wrong inside into a message on stderr and an exit status."""
    try:
        yield
    except SpecError as error:
        raise _told(SpecInvalid.because(error.diagnostics), as_json=as_json) from None
    except KneoError as error:
        raise _told(error, as_json=as_json) from None


def show(renderable: RenderableType, *, on_stderr: bool = False) -> None:
    """Print for a person: with colours and the width of the terminal, or without colours and wide."""
    console = Console(stderr=on_stderr)
    if not console.is_terminal:
        console = Console(stderr=on_stderr, width=WIDTH_OFF_TERMINAL)
    console.print(renderable)


def say(text: str) -> None:
    """Print a line that may hold names out of a spec."""
    typer.echo(printable(text))


def warn(text: str) -> None:
    """Print a line on stderr about something odd that stops nobody."""
    typer.echo(f"warning: {printable(text)}", err=True)


def show_json(document: Mapping[str, Any], *, on_stderr: bool = False) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False), err=on_stderr)


def write(text: str, output: Path | None) -> None:
    """Write ``text`` to the file ``output``, or print it.

    Raises:
        InvalidRequest: the file cannot be written.
    """
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"The file {output} cannot be written: {error.strerror}.") from None


def _told(error: KneoError, *, as_json: bool) -> typer.Exit:
    if as_json:
        show_json({"error": error.code, "message": error.message, **error.data}, on_stderr=True)
    else:
        typer.echo(f"error: {printable(error.message)}", err=True)
        if isinstance(diagnostics := error.data.get("diagnostics"), list):
            show(problem_table(diagnostics), on_stderr=True)
    is_verdict = isinstance(error, SpecInvalid | EnvironmentPolicyBlocked)
    return typer.Exit(Status.NOT_FINE if is_verdict else Status.UNABLE)
