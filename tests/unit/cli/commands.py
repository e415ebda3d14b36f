"""Running ``kneo`` commands in this process."""

import json
from dataclasses import dataclass
from typing import Any

import typer
from typer.testing import CliRunner

from kneo_project.cli.main import app


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def failure(self) -> dict[str, Any]:
        """The document on stderr."""
        found: dict[str, Any] = json.loads(self.err)
        return found


def kneo(*arguments: object, stdin: str | None = None, **environment: str | None) -> Ended:
    """Run ``kneo`` with ``arguments`` and ``environment`` variables."""
    return ended(app, *arguments, stdin=stdin, **environment)


def ended(app: typer.Typer, *arguments: object, stdin: str | None = None, **environment: str | None) -> Ended:
    """Run ``app``; it must end in words, whatever happens."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(status=result.exit_code, out=result.stdout, err=result.stderr)
