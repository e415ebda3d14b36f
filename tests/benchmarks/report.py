"""The figures, for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kneo_project.version import version
from tests.benchmarks.figures import Figure, Sense
from tests.benchmarks.machine import Machine

SIGNS = {Sense.AT_LEAST: "≥", Sense.AT_MOST: "≤"}
WORDS = {True: Text("met", style="green"), False: Text("MISSED", style="bold red"), None: Text("")}


def print_table(figures: Sequence[Figure], machine: Machine, console: Console) -> None:
    """Print one line per figure, then how they were measured and on what."""
    table = Table(
        title=f"kneo-serv {version()}: three-step runs", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0)
    )
    table.add_column("figure", no_wrap=True)
    for column in ("median", "min", "max"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("unit", "target", ""):
        table.add_column(column, no_wrap=True)
    for figure in figures:
        values = (_short(value) for value in (figure.value, figure.low, figure.high))
        table.add_row(figure.name, *values, figure.unit, _target(figure), WORDS[figure.is_met])
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"{figure.name}: {figure.note}.", style="dim", highlight=False)
    console.print(str(machine), highlight=False)


def as_json(figures: Sequence[Figure], machine: Machine) -> str:
    """Return the same as a JSON document."""
    lines = [asdict(figure) | {"is_met": figure.is_met} for figure in figures]
    return json.dumps({"machine": asdict(machine), "figures": lines}, indent=2, default=str)


def _target(figure: Figure) -> str:
    return "" if figure.target is None else f"{SIGNS[figure.target.sense]} {figure.target.limit:g}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
