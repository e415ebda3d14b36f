"""What was measured of each request at both sizes, held against its targets. Pure, but for the printing."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kneo_project.version import version
from tests.benchmarks.machine import Machine

WORDS = {True: Text("met", style="green"), False: Text("MISSED", style="bold red")}


class Limit(Enum):
    """What a request may take with the large history: so many ms at a percentile, so many times what it took before."""

    LIST = ("p95", 50.0, 1.5)
    ONE = ("p95", 10.0, None)
    CREATE = ("p50", 15.0, None)
    PAGE = ("p95", 300.0, None)

    def __str__(self) -> str:
        percentile, most, growth = self.value
        shown = f"{most:g}" if percentile == "p95" else f"{percentile} {most:g}"
        return shown + (f", {growth:g}x" if growth else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long a request took, in ms: half of the calls, and all but a twentieth of them, no longer than this."""

    p50: float
    p95: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Times":
        """Return the percentiles of ``samples``, of which there are at least two."""
        twentieths = statistics.quantiles(samples, n=20, method="inclusive")
        return cls(p50=statistics.median(samples), p95=twentieths[-1])

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p95:.1f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One request, with a small and with a large history."""

    name: str
    small: Times
    large: Times
    limit: Limit

    @property
    def growth(self) -> float:
        """How many times longer it takes with the large history: by the medians, which noise moves least."""
        return self.large.p50 / self.small.p50

    @property
    def is_met(self) -> bool:
        """Whether every target is met."""
        percentile, most, growth = self.limit.value
        return getattr(self.large, percentile) <= most and (growth is None or self.growth <= growth)

    def as_json(self) -> dict[str, Any]:
        """Return the line for programs."""
        sizes = {"small": self.small, "large": self.large}
        times = {f"{size}_{name}": getattr(seen, name) for size, seen in sizes.items() for name in ("p50", "p95")}
        return {"name": self.name, **times, "growth": self.growth, "target": str(self.limit), "is_met": self.is_met}


def print_lines(lines: Sequence[Line], sizes: tuple[int, int], machine: Machine, console: Console) -> None:
    """Print one line per request, then on what it was measured."""
    table = Table(
        title=f"kneo-serv {version()}: ms with a history of so many runs, p50 / p95",
        title_justify="left",
        box=SIMPLE,
        padding=0,
    )
    table.add_column("request", no_wrap=True)
    for column in (*(f"{size:,}" for size in sizes), "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("at most", ""):
        table.add_column(column, no_wrap=True)
    for line in lines:
        growth = f"{line.growth:.2f}"
        table.add_row(line.name, str(line.small), str(line.large), growth, str(line.limit), WORDS[line.is_met])
    console.print(table)
    console.print(str(machine), highlight=False)
