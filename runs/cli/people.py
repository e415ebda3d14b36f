"""``kneo human``: what runs ask people, and their answers."""

import json
from typing import Annotated, Any

import typer

from kneo_project.cli.output import panel, say, show, show_json, table
from kneo_project.cli.service import Service
from runs.cli.following import follow, outcome_of, show_outcome
from runs.cli.options import AsJson, Limit, TaskId, order_key, task_path
from specs.cli.asking import asks_service

OfRun = Annotated[str | None, typer.Option("--run-id", help="Only tasks of this run and its branches.")]
RequestId = Annotated[str, typer.Option("--request-id", help="The id of the question that is answered.")]
Approve = Annotated[bool, typer.Option("--approve", help="Say yes.")]
Reject = Annotated[bool, typer.Option("--reject", help="Say no.")]
Edit = Annotated[str | None, typer.Option("--edit", metavar="TEXT", help="Say yes to this instead.")]
Provide = Annotated[str | None, typer.Option("--provide", metavar="TEXT", help="Provide what is asked for.")]
Select = Annotated[str | None, typer.Option("--select", metavar="OPTION", help="Choose one of the options.")]
Form = Annotated[str | None, typer.Option("--form", metavar="JSON", help="What the form of the question asks for.")]

app = typer.Typer(
    name="human",
    help="Answer what runs ask people. Exit status: 0 fine, 1 could not do it, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def human() -> None:
    """Answer what runs ask people."""


@app.command("list")
@asks_service
def list_tasks(service: Service, *, run_id: OfRun = None, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the open human tasks."""
    page = service.get("/human-tasks", run_id=run_id, limit=limit)
    if as_json:
        show_json(page)
        return
    rows = []
    for task in page["tasks"]:
        request = task["pending_human_request"]
        asked = (request["type"], request["prompt"] or request["title"], request["assignee"])
        rows.append((task["id"], task["run_id"], *asked))
    show(table(("Task", "Run", "Type", "Question", "For"), rows))
    say(f"{page['count']} of {page['total']} tasks")


@app.command("get")
@asks_service
def get_task(service: Service, continuation_id: TaskId, *, as_json: AsJson = False) -> None:
    """Show an open human task."""
    task = service.get(task_path(continuation_id))
    if as_json:
        show_json(task)
        return
    request = task["request"] or {}
    facts = {"Run": task["run_id"], "Request": request.get("id")}
    names = ("title", "type", "prompt", "options", "assignee", "context", "form")
    facts |= {name.capitalize(): request.get(name) or None for name in names}
    show(panel(f"Task {continuation_id}", facts))


@app.command("resume")
@asks_service
def resume(  # noqa: PLR0913 - each is an option of the command line
    service: Service,
    continuation_id: TaskId,
    *,
    request_id: RequestId,
    approve: Approve = False,
    reject: Reject = False,
    edit: Edit = None,
    provide: Provide = None,
    select: Select = None,
    form: Form = None,
    as_json: AsJson = False,
) -> None:
    """Answer a human task, and show what becomes of its run. Exactly one answer is needed."""
    answers: list[dict[str, Any]] = [
        *([{"decision": "approved"}] if approve else []),
        *([{"decision": "rejected"}] if reject else []),
        *([{"decision": "edited", "content": edit}] if edit is not None else []),
        *([{"decision": "provided", "content": provide}] if provide is not None else []),
        *([{"decision": "selected", "selected_option": select}] if select is not None else []),
    ]
    if len(answers) != 1:
        raise typer.BadParameter("Give exactly one of --approve, --reject, --edit, --provide and --select.")
    body = {"request_id": request_id, **answers[0], **({} if form is None else {"form": _filled_in(form)})}
    answer = service.post(task_path(continuation_id, "resume"), body, key=order_key())
    show_outcome(outcome_of(follow(service, answer["run_id"])), as_json=as_json)


def _filled_in(form: str) -> dict[str, Any]:
    try:
        values = json.loads(form)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise typer.BadParameter("The form is not a JSON object.")
    return values
