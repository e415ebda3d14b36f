"""``runs list``, ``get``, ``trace``, ``checkpoints``, ``replay`` and ``checkpoint-diff``: what there is to see."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from kneo_project.cli.output import panel, say, show, show_json, table
from kneo_project.cli.service import Service
from runs.cli.options import AsJson, Limit, RunId, run_path
from runs.engine.lifecycle import Status
from specs.cli.asking import asks_service

STATUSES = tuple(status.value for status in Status if status is not Status.CREATED)  # which is shown as running

StatusName = Annotated[str | None, typer.Option("--status", help=f"Only runs with this status: {', '.join(STATUSES)}.")]
Workflow = Annotated[str | None, typer.Option("--workflow", help="Only runs of this workflow.")]
Session = Annotated[str | None, typer.Option("--session", help="Only runs of this session.")]
FromSequence = Annotated[int | None, typer.Option("--from-sequence", min=1, help="Default: the last but one.")]
ToSequence = Annotated[int | None, typer.Option("--to-sequence", min=1, help="Default: the last.")]


@asks_service
def list_runs(
    service: Service,
    *,
    status: StatusName = None,
    workflow: Workflow = None,
    session: Session = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, those that changed last first."""
    if status is not None and status not in STATUSES:
        raise typer.BadParameter(f"There is no status {status!r}; there are: {', '.join(STATUSES)}.")
    page = service.get("/runs", status=status, workflow_name=workflow, session_id=session, limit=limit)
    if as_json:
        show_json(page)
        return
    rows = [
        (run["run_id"], run["status"], run["workflow_name"] or run["agent_name"], run["updated_at"], _why(run))
        for run in page["runs"]
    ]
    show(table(("Run", "Status", "Workflow", "Changed", "Error"), rows))
    say(f"{page['count']} of {page['total']} runs")


@asks_service
def get_run(service: Service, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show a run."""
    run = service.get(run_path(run_id))
    show_run(run, as_json=as_json)


@asks_service
def trace(service: Service, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show what a run did, event by event."""
    found = service.all_of("events", run_path(run_id, "trace"))
    if as_json:
        show_json(found)
        return
    rows = [
        (
            number,
            *(event[name] for name in ("type", "agent_name", "workflow_name", "step_id", "tool_name")),
            event["error"] or event["output_preview"] or event["input_preview"],
        )
        for number, event in enumerate(found["events"], start=1)
    ]
    show(table(("#", "Type", "Agent", "Workflow", "Step", "Tool", "Preview"), rows))


@asks_service
def checkpoints(service: Service, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show what a run has recorded."""
    found = service.all_of("checkpoints", run_path(run_id, "checkpoints"))
    if as_json:
        show_json(found)
        return
    show(_timeline(found["checkpoints"]))
    say(f"{found['total']} checkpoints")


@asks_service
def replay(service: Service, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show all that happened to a run, in order. Nothing is executed."""
    found = service.get(run_path(run_id, "replay"))
    if as_json:
        show_json(found)
        return
    show(_timeline(found["timeline"]))
    can_continue = "can be gone on with" if found["replay_context"]["can_continue"] else "cannot be gone on with"
    say(f"The run is {found['status']}; it {can_continue}.")


@asks_service
def checkpoint_diff(
    service: Service,
    run_id: RunId,
    *,
    from_sequence: FromSequence = None,
    to_sequence: ToSequence = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed in a run between two of its checkpoints."""
    path = run_path(run_id, "checkpoints", "diff")
    found = service.get(path, from_sequence=from_sequence, to_sequence=to_sequence)
    if as_json:
        show_json(found)
        return
    rows = [
        *(("+", each["path"], "", each["value"]) for each in found["added"]),
        *(("-", each["path"], each["value"], "") for each in found["removed"]),
        *(("~", each["path"], each["before"], each["after"]) for each in found["changed"]),
    ]
    show(table(("", "Path", "Before", "After"), rows))
    before, after = found["from_checkpoint"]["sequence"], found["to_checkpoint"]["sequence"]
    more = ", not all of them shown" if found["truncated"] else ""
    say(f"{found['change_count']} changes from checkpoint {before} to {after}{more}")


def show_run(run: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a run."""
    if as_json:
        show_json(run)
        return
    names = {
        "Status": "status",
        "Workflow": "workflow_name",
        "Agent": "agent_name",
        "Input": "input_text",
        "Output": "output_text",
        "Waits for": "continuation_id",
        "Created": "created_at",
        "Changed": "updated_at",
    }
    show(panel(f"Run {run['run_id']}", {shown: run[name] for shown, name in names.items()} | {"Error": _why(run)}))


def _why(run: Mapping[str, Any]) -> str | None:
    error = run["error"]
    return f"{error['type']}: {error['message']}" if error else None


def _timeline(entries: list[dict[str, Any]]) -> Table:
    rows = [
        (entry["sequence"], entry["type"], entry["step_id"] or entry["node_id"], entry["created_at"])
        for entry in entries
    ]
    return table(("#", "Type", "Step", "At"), rows)
