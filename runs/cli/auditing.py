"""``kneo audit``: who did what."""

from typing import Annotated

import typer

from kneo_project.cli.output import say, show, show_json, table
from kneo_project.cli.service import Service
from runs.cli.options import AsJson, Limit
from specs.cli.asking import asks_service

EventType = Annotated[str | None, typer.Option("--event-type", help="Only events of this kind.")]
OfRun = Annotated[str | None, typer.Option("--run-id", help="Only events about this run.")]

app = typer.Typer(
    name="audit",
    help="Read the audit log. Exit status: 0 fine, 1 could not do it, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def audit() -> None:
    """Read the audit log."""


@app.command("list")
@asks_service
def list_events(
    service: Service,
    *,
    event_type: EventType = None,
    run_id: OfRun = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List audit events, the newest first."""
    page = service.get("/audit-events", event_type=event_type, run_id=run_id, limit=limit)
    if as_json:
        show_json(page)
        return
    rows = [
        (event["created_at"], event["event_type"], event["actor"], event["run_id"], event["metadata"])
        for event in page["events"]
    ]
    show(table(("At", "Event", "Actor", "Run", "Facts"), rows))
    say(f"{page['count']} of {page['total']} events")
