"""Inputs for what a JSON Schema describes: one for each property, and for the properties of an object inside."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from kneo_project.strict_json import NotJson, Unstorable, read_json, refuse_unstorable

NOT_CHOSEN = ("", "—")
LONG_CHARS = 200
INPUT_TYPES = {"email": "email", "uri": "url", "time": "time"}


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


class LinesField(forms.CharField):
    """A list of simple values: one on each line, or JSON."""

    def __init__(self, *, item_type: str, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4}), **options)
        self._item_type = item_type

    def prepare_value(self, value: object) -> object:
        """Return the lines that a list is shown as."""
        return "\n".join(str(each) for each in value) if isinstance(value, list) else value

    def to_python(self, value: object) -> object:  # type: ignore[override]
        """Return the list; None for nothing."""
        text = str(value or "").strip()
        if not text:
            return None
        if text.startswith("["):
            try:
                return StrictDecoder().decode(text)
            except json.JSONDecodeError:
                raise ValidationError("Enter a valid JSON.") from None
        return [self._item(line.strip()) for line in text.splitlines() if line.strip()]

    def _item(self, line: str) -> object:
        try:
            match self._item_type:
                case "integer":
                    return int(line)
                case "number":
                    return float(line)
                case _:
                    return line
        except ValueError:
            raise ValidationError("Enter one number on each line.") from None


def fields_of(schema: Mapping[str, Any], prefix: str, initial: Mapping[str, Any]) -> Iterator[tuple[str, forms.Field]]:
    """Yield the name and the input of each property of ``schema``; ``initial`` are the values shown at first."""
    required = _names(schema)
    for name, about in schema["properties"].items():
        facts = about if isinstance(about, Mapping) else {}
        shown = initial.get(name, facts.get("default"))
        if is_group(name, facts):
            for inner, field in fields_of(facts, f"{prefix}{name}.", shown if isinstance(shown, Mapping) else {}):
                field.group = _label(name, facts)  # type: ignore[attr-defined]
                field.required = field.required and name in required
                yield inner, field
            continue
        field = _field(facts, is_required=name in required)
        field.initial, field.label, field.help_text = shown, _label(name, facts), str(facts.get("description") or "")
        yield f"{prefix}{name}", field


def value_of(schema: Mapping[str, Any], prefix: str, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that was filled in, without what was left empty."""
    found: dict[str, Any] = {}
    required = _names(schema)
    for name, about in schema["properties"].items():
        facts = about if isinstance(about, Mapping) else {}
        if is_group(name, facts):
            inner = value_of(facts, f"{prefix}{name}.", cleaned)
            if name in required or any(value is not False for value in inner.values()):
                found[name] = inner
            continue
        value = cleaned.get(f"{prefix}{name}")
        if value in (None, "") or (value == [] and name not in required):
            continue
        found[name] = value.isoformat() if isinstance(value, date | datetime) else value
    return found


def is_group(name: str, facts: Mapping[str, Any]) -> bool:
    """Return whether a property is an object of simple ones, which has inputs of its own."""
    inner = facts.get("properties")
    if _type(facts) != "object" or not isinstance(inner, Mapping) or not inner or "." in name:
        return False
    return all(_is_simple(about) for about in inner.values())


def _is_simple(about: object) -> bool:
    return isinstance(about, Mapping) and (bool(_words(about)) or _type(about) not in {"object", None})


def _names(schema: Mapping[str, Any]) -> Sequence[str]:
    required = schema.get("required")
    return required if isinstance(required, list) else []


def _label(name: str, facts: Mapping[str, Any]) -> str:
    return str(facts.get("title") or name.replace("_", " ").capitalize())


def _type(facts: Mapping[str, Any]) -> object:
    """Return the one type that a value may have besides null."""
    kind = facts.get("type")
    others = [each for each in kind if each != "null"] if isinstance(kind, list) else [kind]
    return others[0] if len(others) == 1 else None


def _words(facts: object) -> dict[str, Any]:
    """Return the values that ``facts`` offers, by what stands for them in the form; none when it lists none."""
    words = facts.get("enum") if isinstance(facts, Mapping) else None
    if not isinstance(words, list) or any(isinstance(each, list | dict) for each in words):
        return {}
    return {each if isinstance(each, str) else json.dumps(each): each for each in words}


def _field(facts: Mapping[str, Any], *, is_required: bool) -> forms.Field:
    if words := _words(facts):
        choices = [NOT_CHOSEN, *((word, word) for word in words)]  # nothing is chosen by not looking
        return forms.TypedChoiceField(choices=choices, required=is_required, coerce=words.__getitem__, empty_value=None)
    field: forms.Field | None = None
    match _type(facts):
        case "boolean":
            field = forms.BooleanField(required=False)
        case "integer":
            field = forms.IntegerField(required=is_required, widget=_number(facts))
        case "number":
            field = forms.FloatField(required=is_required, widget=_number(facts))
        case "string":
            field = _text(facts, is_required=is_required)
        case "array":
            field = _list(facts, is_required=is_required)
    json_text = forms.Textarea(attrs={"rows": 4})
    return field or forms.JSONField(required=is_required, widget=json_text, decoder=StrictDecoder)


def _number(facts: Mapping[str, Any]) -> forms.NumberInput:
    bounds = {"min": facts.get("minimum"), "max": facts.get("maximum")}
    return forms.NumberInput(attrs={name: value for name, value in bounds.items() if isinstance(value, int | float)})


def _text(facts: Mapping[str, Any], *, is_required: bool) -> forms.Field:
    longest = facts.get("maxLength")
    match facts.get("format"):
        case "date":
            return forms.DateField(
                required=is_required, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            )
        case "date-time":
            moment = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            return forms.DateTimeField(required=is_required, widget=moment)
        case "multiline" | "textarea":
            longest = LONG_CHARS + 1
        case kind if kind in INPUT_TYPES:
            return forms.CharField(required=is_required, widget=forms.TextInput(attrs={"type": INPUT_TYPES[kind]}))
    is_long = isinstance(longest, int) and longest > LONG_CHARS
    return forms.CharField(
        required=is_required, widget=forms.Textarea(attrs={"rows": 5}) if is_long else forms.TextInput
    )


def _list(facts: Mapping[str, Any], *, is_required: bool) -> forms.Field | None:
    items = facts.get("items")
    if not isinstance(items, Mapping):
        return None
    if words := _words(items):
        choices = [(word, word) for word in words]
        return forms.TypedMultipleChoiceField(
            choices=choices, required=is_required, coerce=words.__getitem__, empty_value=[],
            widget=forms.CheckboxSelectMultiple,
        )  # fmt: skip
    kind = _type(items)
    return LinesField(item_type=kind, required=is_required) if kind in ("string", "integer", "number") else None
