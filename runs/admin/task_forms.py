"""The form of a human task as a form of the admin: an input for each property of its JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import MaxLengthValidator

from humantasks.models import HumanTask
from kneo_project.json_schema import JsonSchema
from kneo_project.strict_json import NotJson, Unstorable, read_json, refuse_unstorable

PREFIX = "form."
NOT_CHOSEN = ("", "—")


class StrictDecoder(json.JSONDecoder):
    """Reads what the API would take: strictly JSON that can be kept."""

    def decode(self, s: str, *_: Any) -> object:
        """Return the value that the text is.

        Raises:
            json.JSONDecodeError: it is none that the API would take; fields of forms know no other error.
        """
        try:
            value = read_json(s)
            refuse_unstorable(value)
        except (NotJson, Unstorable) as error:
            raise json.JSONDecodeError(str(error), s, 0) from None
        return value


class DecisionForm(forms.Form):
    """What a person says with a decision, and what the form of ``task`` asks for, if it has one."""

    required_css_class = "required"

    comment = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text="Optional. Kept with the answer; the steps that follow a rejection read it.",
    )

    def __init__(self, *args: Any, task: HumanTask | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["comment"].validators.append(MaxLengthValidator(settings.MAX_HUMAN_CONTENT_CHARS))
        self._schema: Mapping[str, Any] | None = task.form if task else None
        if self._schema is not None:
            self.fields = {**dict(_fields(self._schema)), "comment": self.fields["comment"]}

    @property
    def filled(self) -> dict[str, Any] | None:
        """What was filled in, without what was left empty; None when the task asks for nothing."""
        if self._schema is None:
            return None
        given = {name: value for name, value in self.cleaned_data.items() if name.startswith(PREFIX)}
        return {name.removeprefix(PREFIX): value for name, value in given.items() if value not in (None, "")}

    def clean(self) -> dict[str, Any]:
        """Check the whole against the schema, and say what is wrong beside the field that is meant."""
        cleaned = super().clean() or {}
        if self._schema is None or self.errors:
            return cleaned
        if len(json.dumps(self.filled, ensure_ascii=False).encode()) > settings.MAX_METADATA_BYTES:
            self.add_error(None, f"The form takes more than {settings.MAX_METADATA_BYTES} bytes as JSON.")
            return cleaned
        for problem in JsonSchema(self._schema).problems(self.filled):
            name = f"{PREFIX}{problem.path[0]}" if problem.path else ""
            self.add_error(name if name in self.fields else None, str(problem))
        return cleaned


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, forms.Field]]:
    required = schema.get("required", ())
    for name, about in schema["properties"].items():
        facts = about if isinstance(about, Mapping) else {}
        field = _field(facts, is_required=name in required)
        field.label = str(facts.get("title") or name.replace("_", " ").capitalize())
        field.help_text = str(facts.get("description") or "")
        yield f"{PREFIX}{name}", field


def _field(facts: Mapping[str, Any], *, is_required: bool) -> forms.Field:
    initial = facts.get("default")
    words = facts.get("enum")
    if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
        choices = [*(() if is_required else (NOT_CHOSEN,)), *((word, word) for word in words)]
        return forms.ChoiceField(choices=choices, required=is_required, initial=initial)
    match facts.get("type"):
        case "boolean":
            return forms.BooleanField(required=False, initial=bool(initial))
        case "integer":
            return forms.IntegerField(required=is_required, initial=initial)
        case "number":
            return forms.FloatField(required=is_required, initial=initial)
        case "string":
            return forms.CharField(required=is_required, initial=initial)
    json_text = forms.Textarea(attrs={"rows": 4, "cols": 60})
    return forms.JSONField(required=is_required, initial=initial, widget=json_text, decoder=StrictDecoder)
