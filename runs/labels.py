"""Labels: what callers find their runs by."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q

from kneo_project.redaction import redact
from runs.models import Run, RunLabel

LONGEST_VALUE = 255
MOST_FROM_METADATA = 32


def label(run: Run) -> None:
    """Write the labels of a new run, in the caller's transaction: its tags, and what of its metadata can be one."""
    pairs = dict.fromkeys([*(("", tag) for tag in run.tags), *_findable(run.caller_metadata)])
    if pairs:
        RunLabel.objects.bulk_create(RunLabel(run=run, name=name, value=value) for name, value in pairs)


def has_label(name: str, value: str) -> Q:
    """Return the runs with this value of their metadata, or with an empty name: with this tag."""
    return Q(Exists(RunLabel.objects.filter(run=OuterRef("pk"), name=name, value=value)))


def as_value(value: object) -> str | None:
    """Return the text under which a value of the metadata is found; None when it is no text, number or yes and no."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _findable(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    return list(_short(metadata))[:MOST_FROM_METADATA]


def _short(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is short and no secret: whoever may list runs could find out a secret by guessing."""
    for name, value in metadata.items():
        text = as_value(value)
        is_short = name and text is not None and max(len(name), len(text)) <= LONGEST_VALUE
        if is_short and redact({name: text}) == {name: text}:
            yield name, str(text)
