"""The charts of the first page: what a script draws, and the same as a sentence and as a table."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils import timezone

from kneo_project.prices import NANOS
from kneo_project.site import showing
from kneo_project.site.showing import Tone
from runs.inspection.trends import ENDS_BADLY, Trend

type Value = float | None


class Unit(StrEnum):
    """What the numbers of a chart are."""

    COUNT = "count"
    SECONDS = "seconds"
    MONEY = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Values of one kind, one for each slot; None is a gap. ``shape`` is "bar", on top of other bars, or "line"."""

    label: str
    tone: Tone
    values: Sequence[Value]
    shape: str = "bar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Rows of values over the moments at which their slots began. ``summary`` says what there is to see."""

    name: str
    title: str
    summary: str
    moments: Sequence[datetime]
    slot_seconds: int
    rows: Sequence[Row]
    unit: Unit = Unit.COUNT

    @property
    def data(self) -> str:
        """What the script draws, as JSON."""
        rows: list[dict[str, Any]] = [
            {"label": row.label, "color": f"--kneo-{row.tone}-mark", "shape": row.shape, "values": list(row.values)}
            for row in self.rows
        ]
        labels = [self._label(at) for at in self.moments]
        return json.dumps({"labels": labels, "rows": rows, "unit": self.unit, "currency": settings.CURRENCY})

    @property
    def table(self) -> list[list[str]]:
        """The slots in which there was anything, the newest first: the moment, then a value of each row."""
        slots = zip(self.moments, *(row.values for row in self.rows), strict=True)
        show = _SHOW[self.unit]
        lines = [[self._label(at), *map(show, values)] for at, *values in slots if any(values)]
        return lines[::-1]

    def _label(self, at: datetime) -> str:
        shape = "%a %H:%M" if self.slot_seconds > 3600 else "%H:%M"
        return f"{timezone.localtime(at):{shape}}"


def runs_chart(trend: Trend) -> Chart:
    """Return how runs began and ended."""
    return _chart(
        trend,
        name="runs",
        title="Runs begun and ended",
        summary=(
            f"Runs in the {trend.period.label}: {trend.total('started'):,} begun, "
            f"{trend.total('completed'):,} completed, "
            f"{trend.total(*ENDS_BADLY):,} ended badly, {trend.total('cancelled'):,} cancelled."
        ),
        rows=[
            Row(label="completed", tone=Tone.GOOD, values=trend.together("completed")),
            Row(label="ended badly", tone=Tone.BAD, values=trend.together(*ENDS_BADLY)),
            Row(label="cancelled", tone=Tone.QUIET, values=trend.together("cancelled")),
            Row(label="begun", tone=Tone.BUSY, values=trend.together("started"), shape="line"),
        ],
    )


def lengths_chart(trend: Trend) -> Chart:
    """Return how long most had to wait, and worked."""
    told = {"queue_wait": "wait for a worker", "steps": "step", "completed": "run"}
    parts = [f"{words} {showing.length(trend.length(kind, 0.95))}" for kind, words in told.items()]
    return _chart(
        trend,
        name="lengths",
        title="95th percentiles",
        summary=f"What 95 of 100 did not exceed in the {trend.period.label}: {', '.join(parts)}.",
        unit=Unit.SECONDS,
        rows=[
            Row(label=told[kind], tone=tone, values=trend.lengths(kind, 0.95), shape="line")
            for kind, tone in (("queue_wait", Tone.WAITING), ("steps", Tone.BUSY), ("completed", Tone.GOOD))
        ],
    )


def tokens_chart(trend: Trend) -> Chart:
    """Return how many tokens were used."""
    spent = trend.all_spent
    return _chart(
        trend,
        name="tokens",
        title="Tokens",
        summary=(
            f"Tokens in the {trend.period.label}: {spent.input_tokens:,} sent to models, "
            f"{spent.output_tokens:,} answered."
        ),
        rows=[
            Row(label="sent", tone=Tone.BUSY, values=[each.input_tokens for each in trend.spent]),
            Row(label="answered", tone=Tone.WAITING, values=[each.output_tokens for each in trend.spent]),
        ],
    )


def cost_chart(trend: Trend) -> Chart:
    """Return what model calls cost."""
    values = [each.cost_nanos / NANOS for each in trend.spent]
    return _chart(
        trend,
        name="cost",
        title="Cost",
        summary=f"Cost in the {trend.period.label}: {showing.money(trend.all_spent.cost_nanos)}.",
        unit=Unit.MONEY,
        rows=[Row(label="cost", tone=Tone.BUSY, values=values)],
    )


def _chart(trend: Trend, **parts: Any) -> Chart:
    return Chart(moments=trend.moments, slot_seconds=trend.period.slot_seconds, **parts)


_SHOW: dict[Unit, Callable[[Value], str]] = {
    Unit.COUNT: lambda value: f"{value:,.0f}" if value is not None else showing.NOTHING,
    Unit.SECONDS: showing.length,
    Unit.MONEY: lambda value: showing.money(round((value or 0) * NANOS)),
}
