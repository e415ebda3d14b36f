"""The ``kneo`` console script."""

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from kneo_project.cli import role_commands
from kneo_project.cli.output import text_and_output_told

DISTRIBUTION = "kneo-serv"
ELSEWHERE = {  # which module has the command, and what it is for
    "run": ("runs.cli.starting", "Run a spec to its end."),
    "runs": (
        "runs.cli",
        "Work on runs: list, get, trace, checkpoints, replay, wait, cancel, continue, redrive and more.",
    ),
    "human": ("runs.cli.people", "Answer what runs ask people: list, get, resume."),
    "audit": ("runs.cli.auditing", "Read the audit log."),
    "spec": ("specs.cli", "Work on spec files: validate, lint, compile, explain, graph, migrate, sign and more."),
    "config": (
        "specs.cli.config",
        "Work on the settings of the command line: what the project says, and profiles of services.",
    ),
}

app = typer.Typer(
    name="kneo",
    help="Durable runs of agent workflows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 -- the signature of a Typer callback
    if wanted:
        typer.echo(f"{DISTRIBUTION} {_installed_version()}")
        raise typer.Exit


def _installed_version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "(not installed, running from its source tree)"


@app.callback()
def kneo(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Durable runs of agent workflows."""


def _elsewhere(module: str) -> type[TyperCommand]:
    """Return a command that becomes the one of ``module`` when it is used, or completed.

    The spec language takes a moment that --help and --version need not wait for. The module is named in a string,
    because this layer imports no app.
    """

    class Elsewhere(TyperCommand):
        def make_context(self, *given: Any, **extra: Any) -> Any:  # noqa: ANN401 - Typer's own click is private
            return get_command(import_module(module).app).make_context(*given, **extra)

    return Elsewhere


for name, (module, purpose) in ELSEWHERE.items():
    app.command(name, cls=_elsewhere(module), help=purpose)(lambda: None)
app.add_typer(role_commands.app)


def run() -> None:
    """Run the console script."""
    with text_and_output_told(as_json="--json" in sys.argv):
        app(prog_name="kneo")
