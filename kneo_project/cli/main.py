"""The ``kneo`` console script."""

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from kneo_project.cli import role_commands
from kneo_project.cli.output import text_and_output_told
from kneo_project.cli.role_commands import HANDED_ON

DISTRIBUTION = "kneo-serv"

app = typer.Typer(
    name="kneo",
    help="Durable runs of agent workflows.",
    no_args_is_help=True,
    add_completion=False,
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


@app.command("run", add_help_option=False, context_settings=HANDED_ON)
def run_a_spec(context: typer.Context) -> None:
    """Run a spec to its end."""
    _hand_on(context, "runs.cli.starting")


@app.command("runs", add_help_option=False, context_settings=HANDED_ON)
def work_on_runs(context: typer.Context) -> None:
    """Work on runs: list, get, trace, checkpoints, replay, wait, cancel, continue, redrive and more."""
    _hand_on(context, "runs.cli")


@app.command("human", add_help_option=False, context_settings=HANDED_ON)
def work_on_human_tasks(context: typer.Context) -> None:
    """Answer what runs ask people: list, get, resume."""
    _hand_on(context, "runs.cli.people")


@app.command("audit", add_help_option=False, context_settings=HANDED_ON)
def read_the_audit_log(context: typer.Context) -> None:
    """Read the audit log."""
    _hand_on(context, "runs.cli.auditing")


@app.command("spec", add_help_option=False, context_settings=HANDED_ON)
def work_on_specs(context: typer.Context) -> None:
    """Work on spec files: validate, lint, compile, explain, graph, migrate, sign and more."""
    _hand_on(context, "specs.cli")


@app.command("config", add_help_option=False, context_settings=HANDED_ON)
def work_on_settings(context: typer.Context) -> None:
    """Work on the settings of the command line: what the project says, and profiles of services."""
    _hand_on(context, "specs.cli.config")


app.add_typer(role_commands.app)


def _hand_on(context: typer.Context, module: str) -> None:
    # Loaded when it is used: the spec language takes a moment that --help and --version need not wait for. Named in a
    # string, because this layer imports no app.
    import_module(module).app(context.args, prog_name=context.command_path)


def run() -> None:
    """Run the console script."""
    with text_and_output_told(as_json="--json" in sys.argv):
        app()
