"""The page that changes a schedule: when its runs are due and what they are given, by what changes it in the API."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest

from kneo_project.errors import KneoError, RequestInvalid
from kneo_project.redaction import redact
from runs.admin.spec_forms import OrderForm, SpecForm, WhenForm, blame, checked_body
from runs.admin.task_forms import HIDDEN
from runs.models import Priority, Schedule
from runs.schedules import keeping
from runs.serializers.schedules import COLUMNS, ScheduleChangeSerializer, columns_in
from specs.reading import Reading, read
from specs.serializers import other_source_in


class NewOrderForm(OrderForm):
    """What the runs are given from now on."""

    once = None  # type: ignore[assignment]  # Django: leaves the inherited field out


class NewSpecForm(SpecForm):
    """Another spec, where one is given."""

    text = forms.CharField(
        label="Another spec",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "wrap": "off", "class": "kneo-writing"}),
        help_text="It takes the place of the one that is run now. Empty: that stays.",
    )


class ScheduleChange:
    """What somebody wants of ``row``, in three forms: ``when``, ``order`` and ``spec``."""

    def __init__(self, row: Schedule, request: HttpRequest) -> None:
        told, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        self.row = row
        self.when = WhenForm(told, initial=_seen(row, WhenForm))
        self.order = NewOrderForm(told, initial=_seen(row, NewOrderForm))
        self.spec = NewSpecForm(told, files, initial={"environment": row.environment})
        for form in self.forms:
            for name, field in form.fields.items():
                # Only what differs from what was on the page is changed: somebody else may have changed the rest.
                field.show_hidden_initial = name not in ("text", "upload")
        for name in self.order.fields.keys() & _hidden(row):
            self.order.fields[name].help_text = HIDDEN

    @property
    def forms(self) -> Sequence[forms.Form]:
        """All of it."""
        return self.when, self.order, self.spec

    def is_made(self, actor: str) -> bool:
        """Change the schedule; return False with errors in the forms."""
        if not self._is_valid():
            return False
        told = self._told()
        body = None if told is None else checked_body(self.forms, ScheduleChangeSerializer, told)
        if body is None:
            return False
        try:
            keeping.update_schedule(self.row.name, other_source_in(body), columns_in(body), actor=actor)
        except RequestInvalid as error:
            for problem in error.problems:
                blame(self.forms, str(problem.loc[-1]), problem.msg)
        except KneoError as error:
            blame(self.forms, "", error.message)
        return self._is_valid()

    def _is_valid(self) -> bool:
        """Whether none of the forms has errors; all of them are looked at."""
        return not any([form.errors for form in self.forms])  # noqa: C419 - errors of all are shown at once

    def _told(self) -> dict[str, Any] | None:
        """Return what is to change, as the API is told; None with errors in the form of a spec that cannot be run."""
        changed = {name: form.cleaned_data[name] for form in self.forms for name in form.changed_data}
        told = {name: _said(name, changed[name]) for name in changed if name not in ("text", "upload")}
        if not (text := self.spec.cleaned_data["text"]).strip():
            return told
        environment = self.spec.cleaned_data["environment"] or None
        reading = read(text, name=self.spec.name, environment=environment)
        if reading.plan is None or reading.source is None:
            self.spec.add_error("text", _reasons(reading))
            return None
        return {**told, "environment": environment, "spec": reading.source.spec}


def _said(name: str, value: object) -> object:
    """Return ``value`` as the API is told: of nothing but an input it is null."""
    return None if value == "" and name != "input" else value


def _seen(row: Schedule, form: type[forms.Form]) -> dict[str, object]:
    """Return what the page shows of ``row``, in the fields of ``form``."""
    values = {name: getattr(row, COLUMNS[name]) for name in form.base_fields if name not in _hidden(row)}
    if "tags" in values:
        values["tags"] = " ".join(values["tags"])
    if "priority" in values:
        values["priority"] = Priority(values["priority"]).word
    if "metadata" in values:
        values["metadata"] = json.dumps(values["metadata"], indent=2, ensure_ascii=False) if values["metadata"] else ""
    return values


def _hidden(row: Schedule) -> frozenset[str]:
    """Return the fields in which there is something that no page shows."""
    values: Mapping[str, object] = {name: getattr(row, COLUMNS[name]) for name in NewOrderForm.base_fields}
    return frozenset(name for name, value in values.items() if redact(value) != value)


def _reasons(reading: Reading) -> list[str]:
    """Return why a spec cannot be run."""
    lines = {remark.message: remark.line for remark in reading.remarks if remark.severity == "error"}
    found = [f"Line {line}: {message}" if line else message for message, line in lines.items()]
    return found or [reading.refusal or "This is no spec."]
