"""``redrive``: going on with many runs that failed, a few at a time."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import batched
from typing import Annotated, Any

import typer
from django.db import DatabaseError
from django.db.models import QuerySet
from rich.console import Console
from rich.table import Table

from kneo_project.errors import KneoError
from runs.engine.lifecycle import Status
from runs.models import Run
from runs.redriving import continue_run
from runs.tasks import ring

ACTOR = "cli"
MOST_SHOWN = 50
STATUSES = (Status.FAILED.value, "dead_letter")

StatusName = Annotated[
    str, typer.Option("--status", help="failed, or dead_letter: those whose process died again and again.")
]
ErrorType = Annotated[str | None, typer.Option("--error-type", help="Only runs that failed with this.")]
Workflow = Annotated[str | None, typer.Option("--workflow", help="Only runs of this workflow.")]
Since = Annotated[datetime | None, typer.Option("--since", help="Only runs that failed at or after this moment (UTC).")]
Until = Annotated[datetime | None, typer.Option("--until", help="Only runs that failed before this moment (UTC).")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the oldest failures first.")]
BatchSize = Annotated[int, typer.Option("--batch-size", min=1, help="So many at once.")]
Pause = Annotated[float, typer.Option("--pause", min=0.0, help="Seconds between two batches.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which runs are meant.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def redrive(  # noqa: PLR0913 - each is an option of the command line
    *,
    status: StatusName = "failed",
    error_type: ErrorType = None,
    workflow: Workflow = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 1_000,
    batch_size: BatchSize = 20,
    pause: Pause = 1.0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Go on with runs that failed, from where they failed. Each is audited; workers take them as they come.

    Exit status: 0 fine, 1 some were refused, 2 wrong usage, 3 could not do it.
    """
    if status not in STATUSES:
        raise typer.BadParameter(f"There is no status {status!r} to redrive; there are: {', '.join(STATUSES)}.")
    kind = "dead_letter" if status == "dead_letter" else error_type
    given = {
        "error_type": kind,
        "workflow_name": workflow,
        "completed_at__gte": since and since.replace(tzinfo=UTC),
        "completed_at__lt": until and until.replace(tzinfo=UTC),
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    meant = Run.objects.whole().filter(status=Status.FAILED, **wanted).order_by("completed_at")
    try:
        results = list(_listed(meant[:limit]) if dry_run else _redriven(meant[:limit], batch_size, pause))
    except DatabaseError as error:
        typer.echo(f"error: the database cannot be used: {type(error).__name__}", err=True)
        raise typer.Exit(3) from None
    _show(results, as_json=as_json)
    raise typer.Exit(1 if any(result["result"] == "refused" for result in results) else 0)


def _listed(runs: QuerySet[Run]) -> Iterator[dict[str, Any]]:
    for run in runs:
        yield _result(run, "would go on")


def _redriven(runs: QuerySet[Run], batch_size: int, pause: float) -> Iterator[dict[str, Any]]:
    for number, batch in enumerate(batched(list(runs), batch_size)):
        if number:
            time.sleep(pause)
        for run in batch:
            try:
                continue_run(run.pk, actor=ACTOR)
            except KneoError as error:
                yield _result(run, "refused", error.message)
                continue
            ring(run.pk, run.queue)
            yield _result(run, "goes on")


def _result(run: Run, result: str, reason: str | None = None) -> dict[str, Any]:
    return {
        "run_id": str(run.pk),
        "workflow": run.workflow_name or run.agent_name,
        "error_type": run.error_type,
        "result": result,
        "reason": reason,
    }


def _show(results: list[dict[str, Any]], *, as_json: bool) -> None:
    counts = Counter(result["result"] for result in results)
    if as_json:
        typer.echo(json.dumps({"runs": results, "counts": counts}, indent=2))
        return
    if results:
        Console().print(_table(results[:MOST_SHOWN]))
    if len(results) > MOST_SHOWN:
        typer.echo(f"and {len(results) - MOST_SHOWN} more")
    told = ", ".join(f"{result}: {count}" for result, count in sorted(counts.items()))
    typer.echo(told or "No run is meant.")


def _table(results: Iterable[dict[str, Any]]) -> Table:
    table = Table("Run", "Workflow", "Failed with", "Result", show_edge=False, pad_edge=False)
    for result in results:
        shown = f"{result['result']}: {result['reason']}" if result["reason"] else result["result"]
        table.add_row(result["run_id"], result["workflow"], result["error_type"], shown)
    return table
