"""Running ``spec`` commands in this process, in a directory with files."""

from pathlib import Path

from specs.cli import app
from tests.unit.cli.commands import Ended, ended

GOOD = "version: v1\nagent: {name: root}\n"
WARNED = "version: v1\nagent: {name: root, strategy: react}\n"
BAD = "version: v1\nagent: {name: root, skills: [ghost]}\n"
PROJECT = """\
project: {name: claims}
specs: {default_spec: main.yaml, overlays: {prod: [prod.yaml, missing.yaml]}}
environments:
  prod: {policy_enforcement: {require_guardrails: true}}
"""


def spec(*arguments: object, **environment: str) -> Ended:
    """Run ``spec`` with ``arguments`` and ``environment`` variables."""
    return ended(app, *arguments, **environment)


def write(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
