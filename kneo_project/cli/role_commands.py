"""``kneo web|events|worker|beat``: the programs of a deployment; ``kneo manage`` and its shorthands."""

import os
from importlib import import_module
from types import ModuleType
from typing import Annotated

import typer

PANEL = "Run the service"
HANDED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Port to listen on; 0 is any free one.")]
Processes = Annotated[int, typer.Option(envvar="KNEO_WEB_PROCESSES", min=1, help="Processes that share the port.")]
Queues = Annotated[
    str | None,
    typer.Option(metavar="NAME,…", help="Take runs from these queues only. Default: KNEO_SERV_WORKER_QUEUES, or all."),
]

app = typer.Typer()


@app.command("web", rich_help_panel=PANEL)
def serve_the_api(*, host: Host = "127.0.0.1", port: Port = 8000, processes: Processes = 1) -> None:
    """Serve the API and the admin."""
    _roles().become_web(host=host, port=port, processes=processes)


@app.command("events", rich_help_panel=PANEL)
def serve_event_streams(*, host: Host = "127.0.0.1", port: Port = 8001) -> None:
    """Serve event streams, for many listeners."""
    _roles().become_events(host=host, port=port)


@app.command("worker", rich_help_panel=PANEL)
def advance_runs(*, queues: Queues = None) -> None:
    """Advance runs; start as many as you like."""
    if queues is not None:
        os.environ["KNEO_SERV_WORKER_QUEUES"] = queues
    _roles().become_worker()


@app.command("beat", rich_help_panel=PANEL)
def sweep() -> None:
    """Look for what was lost or is due; one is enough, more do no harm."""
    _roles().become_beat()


@app.command("manage", add_help_option=False, context_settings=HANDED_ON, rich_help_panel=PANEL)
def run_a_management_command(context: typer.Context) -> None:
    """Run a management command: migrate, createsuperuser, apikey, prune and more; help lists them."""
    _roles().manage(context.args)


@app.command("serve", add_help_option=False, context_settings=HANDED_ON, rich_help_panel=PANEL)
def serve_everything(context: typer.Context) -> None:
    """Start web, worker and beat together, without any server to install."""
    _roles().manage(["serve", *context.args])


@app.command("demo", add_help_option=False, context_settings=HANDED_ON, rich_help_panel=PANEL)
def demonstrate(context: typer.Context) -> None:
    """Run a spec with a human approval from start to end, on a stack of its own."""
    _roles().manage(["demo", *context.args])


@app.command("migrate", add_help_option=False, context_settings=HANDED_ON, rich_help_panel=PANEL)
def migrate_the_database(context: typer.Context) -> None:
    """Bring the tables of the database up to date."""
    _roles().manage(["migrate", "--no-input", *context.args])


def _roles() -> ModuleType:
    # Loaded when it is used: Django takes a moment that --help and the commands of a client need not wait for.
    return import_module("kneo_project.stack.roles")
