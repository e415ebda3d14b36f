"""The ``kneo`` console script."""

import os
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import django
import typer

DISTRIBUTION = "kneo-serv"

app = typer.Typer(name="kneo", help="Durable runs of agent workflows.", no_args_is_help=True, add_completion=False)


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


HANDED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}


@app.command("spec", add_help_option=False, context_settings=HANDED_ON)
def work_on_specs(context: typer.Context) -> None:
    """Work on spec files: validate, lint, compile, explain, graph, migrate, sign and more."""
    # Loaded when it is used: the spec language takes a moment that --help and --version need not wait for. Named in a
    # string, because this layer imports no app.
    import_module("specs.cli").app(context.args, prog_name="kneo spec")


@app.command("runs", add_help_option=False, context_settings=HANDED_ON)
def work_on_runs(context: typer.Context) -> None:
    """Work on the runs of this installation: redrive those that failed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
    django.setup()
    import_module("runs.cli").app(context.args, prog_name="kneo runs")


def run() -> None:
    """Run the console script."""
    app()
