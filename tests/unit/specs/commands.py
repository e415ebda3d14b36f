"""Running ``spec`` commands in this process, in a directory with files."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from specs.cli import app

GOOD = "version: v1\nagent: {name: root}\n"
WARNED = "version: v1\nagent: {name: root, strategy: react}\n"
BAD = "version: v1\nagent: {name: root, skills: [ghost]}\n"
PROJECT = """\
project: {name: claims}
specs: {default_spec: main.yaml, overlays: {prod: [prod.yaml, missing.yaml]}}
environments:
  prod: {policy_enforcement: {require_guardrails: true}}
"""


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


def spec(*arguments: object, **environment: str) -> Ended:
    """Run ``spec`` with ``arguments`` and ``environment`` variables."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ended(status=result.exit_code, out=result.stdout, err=result.stderr)


def write(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
