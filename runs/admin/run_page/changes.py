"""Two checkpoints of a run side by side."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from kneo_project.errors import InvalidRequest
from kneo_project.site import showing
from runs.inspection.comparing import changes_between, pair_of
from runs.models import Run


class PairForm(forms.Form):
    """Which two checkpoints."""

    first = forms.IntegerField(min_value=1, required=False, label="From checkpoint")
    second = forms.IntegerField(min_value=1, required=False, label="to checkpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one value: its path, and how it looked before and after."""

    kind: str
    path: str
    before: object
    after: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is different; ``trouble`` says why nothing could be compared."""

    form: PairForm
    rows: Sequence[Change] = ()
    count: int = 0
    trouble: str | None = None


def changes(run: Run, asked: Mapping[str, str]) -> Changes:
    """Return what changed in ``run`` between the checkpoints that are asked for, or else at the last one."""
    defaults = {"first": str(max(run.sequence - 1, 1)), "second": str(run.sequence)}
    form = PairForm({name: asked.get(name) or default for name, default in defaults.items()})
    if not form.is_valid():
        return Changes(form=form, trouble="The numbers of checkpoints begin with 1.")
    try:
        before, after = pair_of(run, form.cleaned_data["first"], form.cleaned_data["second"])
    except InvalidRequest as error:
        return Changes(form=form, trouble=error.message)
    found = changes_between(before, after)
    return Changes(form=form, rows=list(_rows(found)), count=found["change_count"])


def _rows(found: Mapping[str, Any]) -> Iterator[Change]:
    for each in found["changed"]:
        yield Change(kind="changed", path=each["path"], before=_value(each["before"]), after=_value(each["after"]))
    for each in found["added"]:
        yield Change(kind="added", path=each["path"], before=showing.NOTHING, after=_value(each["value"]))
    for each in found["removed"]:
        yield Change(kind="removed", path=each["path"], before=_value(each["value"]), after=showing.NOTHING)


def _value(value: object) -> object:
    return showing.long_text(value if isinstance(value, str) else json.dumps(value, default=str))
