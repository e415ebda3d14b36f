"""``kneo run``: a spec, run to its end."""

from enum import StrEnum
from typing import Annotated

import typer

from kneo_project.cli.service import Service
from runs.cli.following import follow, outcome_of, show_outcome
from runs.cli.options import AsJson, order_key
from specs.cli.asking import asks_service
from specs.cli.loading import sent_spec
from specs.cli.options import Environment, OnePath


class Target(StrEnum):
    """Which part of a spec to run."""

    WORKFLOW = "workflow"
    AGENT = "agent"


class Priority(StrEnum):
    """Which runs of a queue are taken first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


Input = Annotated[str, typer.Option("--input", "-i", metavar="TEXT", help="What the run works on.")]
TargetName = Annotated[Target, typer.Option("--target", help="What to run of the spec; agent is the root agent alone.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for what becomes of it.")]

Queue = Annotated[str | None, typer.Option(metavar="NAME", help="Which workers advance it: those of this queue.")]
Urgency = Annotated[Priority | None, typer.Option(help="Whether it is taken before or after others of its queue.")]

app = typer.Typer(name="run", add_completion=False, pretty_exceptions_enable=False)


@app.command()
@asks_service
def run(  # noqa: PLR0913 - each is an option of the command line
    service: Service,
    path: OnePath = None,
    *,
    text: Input,
    target: TargetName = Target.WORKFLOW,
    environment: Environment = None,
    queue: Queue = None,
    priority: Urgency = None,
    wait: Wait = True,
    project: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Run a spec and show what becomes of it. Exit status: 0 fine, 1 it failed, 2 wrong usage."""
    order = {**sent_spec(path, project, environment), "input": text, "target": target.value, "async_mode": True}
    order |= {name: value for name, value in (("queue", queue), ("priority", priority)) if value is not None}
    promise = service.post("/runs", order, key=order_key())
    outcome = outcome_of(follow(service, promise["run_id"])) if wait else promise
    show_outcome(outcome, as_json=as_json)
