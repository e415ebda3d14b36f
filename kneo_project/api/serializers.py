"""Request bodies: closed objects of strictly typed fields, each with a limit from the settings.

A ``limit`` names the setting instead of holding its value, so that a limit is read when it is needed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypedDict, Unpack, cast

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from kneo_project.api.words import NO, YES

_LONGEST_NAME_SHOWN = 100
_PARENT_SEGMENT = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)")


class FieldOptions(TypedDict, total=False):
    """What every field may be told besides its limit."""

    required: bool
    allow_null: bool
    default: Any
    help_text: str


class _Strict(serializers.Field[Any, Any, Any, Any]):
    """Names the problems of a field the way the clients of this API know them."""

    wrong_type = "value_error"

    def fail(self, key: str, **kwargs: object) -> NoReturn:
        """Raise the problem ``key``; a null counts as a wrong type."""
        super().fail(self.wrong_type if key == "null" else key, **kwargs)


class StringField(_Strict, serializers.CharField):
    """A string, taken as it is: not trimmed, and empty is a value. ``limit`` is in characters."""

    wrong_type = "string_type"
    default_error_messages = {
        "string_type": "Input should be a valid string",
        "string_too_long": "String should have at most {limit} characters",
    }

    def __init__(self, *, limit: str, **options: Unpack[FieldOptions]) -> None:
        super().__init__(allow_blank=True, trim_whitespace=False, **options)
        self.limit = limit

    def to_internal_value(self, data: object) -> str:
        """Return ``data`` if it is a string within the limit."""
        if not isinstance(data, str):
            self.fail("string_type")
        longest = getattr(settings, self.limit)
        if len(data) > longest:
            self.fail("string_too_long", limit=longest)
        return data


class PathField(StringField):
    """A path on the server that neither starts at a home directory nor climbs."""

    default_error_messages = {"value_error": "Path should not start with ~ or contain a .. segment"}

    def __init__(self, *, limit: str = "MAX_PATH_CHARS", **options: Unpack[FieldOptions]) -> None:
        super().__init__(limit=limit, **options)

    def to_internal_value(self, data: object) -> str:
        """Return ``data`` if it is such a path. Whether it lies in the spec root is known once it is opened."""
        path = super().to_internal_value(data)
        if path.startswith("~") or _PARENT_SEGMENT.search(path):
            self.fail("value_error")
        return path


class FlagField(_Strict, serializers.BooleanField):
    """A boolean, or one of the words and numbers that stand for one."""

    wrong_type = "bool_type"
    default_error_messages = {
        "bool_type": "Input should be a valid boolean",
        "bool_parsing": "Input should be a valid boolean, unable to interpret input",
    }

    def to_internal_value(self, data: object) -> bool:
        """Return the boolean that ``data`` stands for."""
        if not isinstance(data, bool | int | float | str):
            self.fail("bool_type")
        if data in {0, 1}:
            return bool(data)
        word = str(data).lower()
        if word not in YES | NO:
            self.fail("bool_parsing")
        return word in YES


class WordField(_Strict, serializers.ChoiceField):
    """One of a fixed set of words."""

    wrong_type = "enum"
    default_error_messages = {"enum": "Input should be one of: {choices}"}

    def to_internal_value(self, data: object) -> str:
        """Return ``data`` if it is one of the words."""
        if not isinstance(data, str) or data not in self.choices:
            self.fail("enum")
        return data

    def fail(self, key: str, **kwargs: object) -> NoReturn:
        """Raise the problem ``key``, and name the words."""
        super().fail(key, choices=", ".join(map(str, self.choices)), **kwargs)


class JsonObjectField(_Strict, serializers.DictField):
    """An open JSON object. ``limit`` is in UTF-8 bytes of its JSON text, blanks after separators included."""

    wrong_type = "dict_type"
    default_error_messages = {
        "dict_type": "Input should be a valid dictionary",
        "value_error": "Object should take at most {limit} bytes as JSON",
    }

    def __init__(self, *, limit: str, **options: Unpack[FieldOptions]) -> None:
        super().__init__(**options)
        self.limit = limit

    def to_internal_value(self, data: object) -> dict[str, Any]:
        """Return ``data`` if it is an object within the limit."""
        if not isinstance(data, dict):
            self.fail("dict_type")
        largest = getattr(settings, self.limit)
        if len(json.dumps(data, ensure_ascii=False).encode()) > largest:
            self.fail("value_error", limit=largest)
        return data


class ItemsField(_Strict, serializers.ListField):
    """A list of fields like ``child``. ``limit`` is in elements; None is none."""

    wrong_type = "list_type"
    default_error_messages = {
        "list_type": "Input should be a valid list",
        "too_long": "List should have at most {limit} items",
    }

    def __init__(
        self,
        *,
        child: serializers.Field[Any, Any, Any, Any],
        limit: str | None = "MAX_LIST_ITEMS",
        **options: Unpack[FieldOptions],
    ) -> None:
        super().__init__(child=child, **options)
        self.limit = limit

    def to_internal_value(self, data: object) -> list[Any]:
        """Return the elements if ``data`` is a list within the limit."""
        if not isinstance(data, list):
            self.fail("list_type")
        longest = getattr(settings, self.limit) if self.limit else None
        if longest is not None and len(data) > longest:
            self.fail("too_long", limit=longest)
        return list(super().to_internal_value(data))


class StrictSerializer(_Strict, serializers.Serializer[Any]):
    """An object that has its declared keys and no others, at any depth."""

    wrong_type = "model_attributes_type"
    default_error_messages = {"model_attributes_type": "Input should be a valid object"}

    def to_internal_value(self, data: object) -> dict[str, Any]:
        """Return the validated values; every unknown key is a problem of its own beside those of the fields."""
        if not isinstance(data, Mapping):
            self.fail("model_attributes_type")
        problems: dict[str, Any] = {
            str(key)[:_LONGEST_NAME_SHOWN]: [ErrorDetail("Extra inputs are not permitted", code="extra_forbidden")]
            for key in data
            if key not in self.fields
        }
        values: dict[str, Any] = {}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            problems |= dict(cast("dict[str, Any]", error.detail))
        if problems:
            raise ValidationError(problems)
        return values
