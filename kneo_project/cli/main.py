"""The ``kneo`` console script: a thin front to the management commands."""

import os
import secrets
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

DISTRIBUTION = "kneo-serv"

app = typer.Typer(name="kneo", help="Durable runs of agent workflows.", no_args_is_help=True, add_completion=False)
spec_app = typer.Typer(help="Work on spec files.", no_args_is_help=True)
app.add_typer(spec_app, name="spec")


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


@spec_app.command("validate")
def validate_specs(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, or directories to look through.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """Say what is wrong with spec files: exit status 0 when all are valid, 1 when one is not."""
    # Validating signs nothing; a passing key keeps settings from writing one into the working directory.
    os.environ.setdefault("KNEO_SERV_SECRET_KEY", secrets.token_hex())
    _manage("spec", "validate", *(["--json"] if as_json else []), "--", *paths)


def _manage(command: str, *arguments: str) -> None:
    """Run a management command in this process."""
    import django  # noqa: PLC0415 -- loading Django takes a second that --help and --version need not wait
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 -- the same
    from django.core.management import call_command  # noqa: PLC0415 -- the same

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        typer.echo(f"The settings are wrong: {error}", err=True)
        raise typer.Exit(2) from None
    call_command(command, *arguments)


def run() -> None:
    """Run the console script."""
    app()
