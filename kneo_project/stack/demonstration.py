"""The story that ``manage.py demo`` tells: a claim goes through agent, function, manager and agent to its end."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import yaml
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from kneo_project.stack.demo_api import Api, DemoFailed, Run, Step

CLAIM = "Train ticket Hamburg - Berlin and back for the customer workshop on 12 November, 120.50 EUR, receipt attached."
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 60.0


class Demonstration:
    """Plays one run of the spec at ``path`` on the stack behind ``api`` and shows it on ``console``."""

    def __init__(self, api: Api, path: Path, console: Console) -> None:
        self.api = api
        self.console = console
        self.spec = yaml.safe_load(path.read_text())
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.shown = 0

    def play(self) -> None:
        """Run the story; raise ``DemoFailed`` where it does not go as told."""
        run_id = self.api.start_run(self.spec, CLAIM)
        self.console.print(f"Run {run_id} was created by POST /v1/runs with this claim:\n  [italic]{CLAIM}[/italic]\n")
        with self.progress:
            bar = self.progress.add_task("running", total=len(self.spec["workflow"]["steps"]))
            run = self._follow(run_id, bar)
            _expect(run, "blocked")
            self.console.print(_question(run))
            self.console.print(f"Approving it by POST /v1/human-tasks/{run.task_id}/resume\n")
            with ThreadPoolExecutor(max_workers=1) as pool:
                answer = pool.submit(self.api.approve, run)
                run = self._follow(run_id, bar, after=answer)
                answer.result()
            _expect(run, "completed")
        self.console.print(_result(self.api.finished_steps(run_id), run))
        self.console.print(Panel(Text(run.output), title="Output of the run", border_style="green"))

    def _follow(self, run_id: str, bar: TaskID, *, after: Future[None] | None = None) -> Run:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            is_answered = after is None or after.done()  # asked first: what is read next is then the state after it
            run = self.api.run(run_id)
            steps = self.api.finished_steps(run_id)
            for step in steps[self.shown :]:
                self.console.print(f"[green]✓[/green] {step.name} {_milliseconds(step)}")
            self.shown = len(steps)
            self.progress.update(bar, completed=self.shown, description=run.status)
            if is_answered and run.is_at_rest:
                return run
            time.sleep(LOOK_SECONDS)
        raise DemoFailed(f"run {run_id} was still {run.status} after {PATIENCE_SECONDS:.0f} s")


def _expect(run: Run, status: str) -> None:
    if run.status != status:
        raise DemoFailed(f"run {run.id} should be {status} but is {run.status}: {run.error or 'no error recorded'}")


def _question(run: Run) -> Panel:
    request = run.request
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    rows.add_row("Prompt", Text(request["prompt"]))
    rows.add_row("For", request["assignee"] or "anybody")
    for name, value in request["context"].items():
        rows.add_row(name.replace("_", " ").capitalize(), Text(str(value)))
    return Panel(rows, title=f"A person is asked: {request['title']}", border_style="yellow", expand=False)


def _result(steps: Sequence[Step], run: Run) -> Table:
    table = Table(title=f"Run {run.id}: {run.status}")
    table.add_column("Step", style="bold")
    table.add_column("Attempt", justify="right")
    table.add_column("Duration", justify="right")
    table.add_column("Output", overflow="fold")
    for step in steps:
        table.add_row(step.name, str(step.attempt or ""), _milliseconds(step), Text(step.output))
    return table


def _milliseconds(step: Step) -> str:
    return "-" if step.duration_ms is None else f"{step.duration_ms:,.0f} ms"
