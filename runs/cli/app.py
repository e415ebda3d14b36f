"""The tree of commands."""

import typer

from runs.cli import redrive

app = typer.Typer(
    name="runs",
    help="Work on runs. Exit status: 0 fine, 1 some were refused, 2 wrong usage, 3 could not do it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("redrive")(redrive.redrive)


@app.callback()
def runs() -> None:
    """Work on runs."""
