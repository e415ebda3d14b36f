"""Partitions by month, where there are any: whether those to come are there before their month begins."""

from collections.abc import Iterator

from django.utils import timezone

from kneo_project.doctor.findings import Finding, ok, warning
from runs.partitions.months import Month, months
from runs.partitions.upkeep import missing

MONTHS = "partitions"


def partitions() -> Iterator[Finding]:
    """Yield which months have partitions, or that this or the next has none; nothing where nothing is partitioned."""
    known, soon = months(), Month.of(timezone.now()).after()
    if not known:
        return
    lacking = [str(month) for month in missing(timezone.now()) if month <= soon]
    if lacking:
        text = f"Months without partitions: {', '.join(lacking)}. Their records are kept with others, and move later."
        yield warning(MONTHS, text, "Start a beat and a worker: the job retention makes them. The log says what fails.")
    else:
        yield ok(MONTHS, f"Checkpoints and trace are kept by month, from {known[0]} to {known[-1]}.")
