"""What is asked on the page for specs: the spec, the run to start of it, and when to start more."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings

from kneo_project import queues
from kneo_project.api.serializers import StrictSerializer
from runs.admin.schema_fields import StrictDecoder
from runs.models import Overlap, Priority, Target
from runs.serializers.requests import GREATEST_COUNT
from specs.services import SpecSource

EXAMPLE = """version: v1
agent:
  name: greeter
  system_prompt: Answer in one sentence.
"""
NOT_GIVEN = ("", None)


class SpecForm(forms.Form):
    """A spec as text, or as a file that takes the place of the text."""

    required_css_class = "required"

    text = forms.CharField(
        label="Spec",
        required=False,
        strip=False,
        initial=EXAMPLE,
        widget=forms.Textarea(
            attrs={"rows": 24, "spellcheck": "false", "autocomplete": "off", "wrap": "off", "class": "kneo-writing"}
        ),
    )
    upload = forms.FileField(
        label="Or a file",
        required=False,
        widget=forms.FileInput(attrs={"accept": ".yaml,.yml,.json,text/*"}),
        help_text="YAML or JSON in UTF-8. It takes the place of the text above.",
    )
    environment = forms.CharField(
        required=False,
        help_text="Whose policy it must pass. Empty is none.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Take the text of the file, if there is one, and read it as any other. Line ends are those of Unix."""
        given = super().clean() or self.cleaned_data
        upload = given.get("upload")
        if upload is not None:
            try:
                given["text"] = upload.read(settings.MAX_BODY_BYTES + 1).decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("upload", "The file is not UTF-8 text.")
        given["text"] = unix_lines(given.get("text", ""))
        return given

    @property
    def name(self) -> str:
        """Return the name of the file, or one that a text without a name is read under."""
        upload = self.cleaned_data.get("upload")
        is_json = self.cleaned_data["text"].lstrip().startswith("{")
        return str(upload.name) if upload is not None else "spec.json" if is_json else "spec.yaml"


class OrderForm(forms.Form):
    """The order of a run, but for its spec: checked by what checks it in the API."""

    required_css_class = "required"
    input = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 4}))
    target = forms.ChoiceField(choices=Target.choices, help_text="The workflow, or the agent alone.")
    tags = forms.CharField(
        required=False,
        help_text="Words to find it by, apart by blanks.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    metadata = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}), help_text="A JSON object."
    )
    session_id = forms.CharField(label="Session", required=False)
    queue = forms.ChoiceField(
        choices=lambda: [(name, name) for name in queues.names()],
        initial=queues.DEFAULT_QUEUE,
        required=False,
        help_text="Workers of this queue advance it.",
    )
    priority = forms.ChoiceField(
        choices=[(priority.word, priority.label) for priority in Priority],
        initial=Priority.NORMAL.word,
        required=False,
        help_text="Whether it is taken before or after others that wait in its queue.",
    )
    timeout_seconds = forms.IntegerField(label="Timeout in seconds", required=False, help_text="Empty is none.")
    token_budget = forms.IntegerField(
        required=False, help_text="Tokens that all model calls may use together. Empty is no limit."
    )
    cost_budget = forms.FloatField(
        required=False, help_text="What all model calls may cost together. Empty is no limit."
    )
    once = forms.CharField(widget=forms.HiddenInput, required=False, initial=lambda: uuid.uuid4().hex)

    def clean_input(self) -> str:
        """Return the text with the line ends of Unix: browsers send others."""
        return unix_lines(self.cleaned_data["input"])

    def clean_metadata(self) -> object:
        """Return the value that the text is."""
        text = self.cleaned_data["metadata"]
        if not text.strip():
            return {}
        try:
            return StrictDecoder().decode(text)
        except json.JSONDecodeError:
            raise forms.ValidationError('This is no JSON. An object looks like {"team": "billing"}.') from None

    def clean_tags(self) -> list[str]:
        """Return the words."""
        return str(self.cleaned_data["tags"]).replace(",", " ").split()


class WhenForm(forms.Form):
    """When the runs of a schedule are due."""

    required_css_class = "required"

    cron = forms.CharField(
        label="Cron expression",
        help_text="Minute, hour, day of the month, month, day of the week; such as 30 2 * * mon-fri, or @daily.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    time_zone = forms.CharField(initial="UTC", help_text="Such as Europe/Vienna.")
    overlap = forms.ChoiceField(
        label="When an earlier run has not ended",
        choices=[
            (Overlap.SKIP.value, "start none (skip)"),
            (Overlap.QUEUE.value, "start it afterwards (queue)"),
            (Overlap.CANCEL_OTHER.value, "cancel the earlier one (cancel_other)"),
            (Overlap.ALLOW.value, "start it beside the other (allow)"),
        ],
    )
    misfire_grace_seconds = forms.IntegerField(
        label="Most seconds late",
        required=False,
        min_value=0,
        max_value=GREATEST_COUNT,
        help_text="A moment that is noticed later is missed. Empty: its run is started however late.",
    )


class ScheduleForm(WhenForm):
    """What a new schedule is called, and when its runs are due."""

    name = forms.CharField(
        help_text="Its runs are ordered by schedule:NAME.", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    field_order = ("name",)


def body_of(
    asked: Sequence[forms.Form], serializer: type[StrictSerializer], source: SpecSource
) -> dict[str, Any] | None:
    """Return the validated body of the request in the API that asks for the same; None with errors in the forms."""
    told = {name: value for form in asked for name, value in form.cleaned_data.items() if value not in NOT_GIVEN}
    told.pop("once", None)
    return checked_body(
        asked, serializer, {"input": "", **told, "spec": source.spec, "environment": source.environment}
    )


def checked_body(
    asked: Sequence[forms.Form], serializer: type[StrictSerializer], told: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what is ``told`` as ``serializer`` reads it from a request in the API; None with errors in the forms."""
    checked = serializer(data=told)
    if checked.is_valid():
        return dict(checked.validated_data)
    for name, errors in checked.errors.items():
        blame(asked, name, _sentences(errors))
    return None


def blame(asked: Sequence[forms.Form], name: str, errors: str | list[str]) -> None:
    """Show ``errors`` at the field ``name`` of the form that has it, or above the last form."""
    form = next((form for form in asked if name in form.fields), None)
    if form is None:
        asked[-1].add_error(None, errors)
    else:
        form.add_error(name, errors)


def unix_lines(text: str) -> str:
    """Return ``text`` with the line ends of Unix."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sentences(errors: Sequence[object] | Mapping[object, Sequence[object]]) -> list[str]:
    """Return what is wrong with a field, or with items of it."""
    lists = errors.values() if isinstance(errors, Mapping) else [errors]
    return list(dict.fromkeys(f"{error}." for each in lists for error in each))
