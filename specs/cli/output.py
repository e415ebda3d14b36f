"""What the commands print, and the status they exit with."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

import typer

from kneo_project.cli.output import show, tell
from kneo_project.errors import InvalidRequest, KneoError
from specs.cli.tables import problem_table
from specs.errors import EnvironmentPolicyBlocked, SpecInvalid
from specs.language.diagnostics import SpecError

# A service says them by their codes.
VERDICTS = frozenset({SpecInvalid.code, EnvironmentPolicyBlocked.code})


class Status(IntEnum):
    """What an exit status means; 2 is wrong usage and given by the parser of the command line."""

    FINE = 0
    NOT_FINE = 1
    UNABLE = 3


@contextmanager
def failures_told(*, as_json: bool, unable: Status = Status.UNABLE) -> Iterator[None]:
    """Turn what goes wrong inside into a message on stderr and an exit status."""
    try:
        yield
    except SpecError as error:
        raise _told(SpecInvalid.because(error.diagnostics), as_json=as_json, unable=unable) from None
    except KneoError as error:
        raise _told(error, as_json=as_json, unable=unable) from None


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


def _told(error: KneoError, *, as_json: bool, unable: Status) -> typer.Exit:
    tell(error, as_json=as_json)
    if not as_json and isinstance(diagnostics := error.data.get("diagnostics"), list):
        show(problem_table(diagnostics), on_stderr=True)
    is_verdict = error.code in VERDICTS
    return typer.Exit(Status.NOT_FINE if is_verdict else unable)
