"""The tree of commands."""

from importlib import import_module

import typer

from kneo_project.cli.output import failures_told
from runs.cli import acting, showing

HANDED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}

app = typer.Typer(
    name="runs",
    help="Work on runs. Exit status: 0 fine, 1 could not do it, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(showing.list_runs)
app.command("get")(showing.get_run)
app.command("trace")(showing.trace)
app.command("checkpoints")(showing.checkpoints)
app.command("replay")(showing.replay)
app.command("checkpoint-diff")(showing.checkpoint_diff)
app.command("wait")(acting.wait)
app.command("cancel")(acting.cancel)
app.command("continue")(acting.continue_run)


@app.callback()
def runs() -> None:
    """Work on runs."""


@app.command("redrive", add_help_option=False, context_settings=HANDED_ON)
def redrive(context: typer.Context) -> None:
    """Go on with many runs of this installation that failed, a few at a time."""
    # Loaded when it is used: it needs the models, which a client of another service has not.
    with failures_told(as_json=False):
        import_module("kneo_project.cli.local").set_up_django()
    import_module("runs.cli.redrive").app(context.args, prog_name=context.command_path)
