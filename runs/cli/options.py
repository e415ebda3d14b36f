"""Arguments and options that several commands have."""

import os
import uuid
from typing import Annotated
from urllib.parse import quote

import typer

KEY_VARIABLE = "KNEO_SERV_IDEMPOTENCY_KEY"

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The id of a run.")]
TaskId = Annotated[str, typer.Argument(metavar="CONTINUATION_ID", help="The id of a human task.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000, help="At most so many.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, also about failures (on stderr).")]


def order_key() -> str:
    """Return under which key an order is sent, so that sending it again does not carry it out again."""
    return os.environ.get(KEY_VARIABLE, "").strip() or f"kneo-cli-{uuid.uuid4()}"


def run_path(run_id: str, *view: str) -> str:
    """Return where a run is, or a view of it; the id is whatever somebody typed."""
    return "/".join(("/runs", quote(run_id, safe=""), *view))


def task_path(continuation_id: str, *action: str) -> str:
    """Return where a human task is, or what is done with it."""
    return "/".join(("/human-tasks", quote(continuation_id, safe=""), *action))
