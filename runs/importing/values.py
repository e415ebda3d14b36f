"""Values in the records of the published kneo-serv, as our databases can keep them. Pure, and total but for ids."""

import base64
import binascii
import uuid
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from kneo_project.strict_json import MAX_DEPTH, NotJson, read_json

PACKED = "__kneo_checkpoint_payload__"
ZLIB_BASE64 = "zlib+base64+json"
MOST_UNPACKED_BYTES = 64 * 1024 * 1024
MOST_WHOLE_NUMBER = 2**63 - 1


class Unreadable(ValueError):
    """A record is not what the published kneo-serv writes. The message says what is wrong with it, in a few words."""


def document(text: str) -> dict[str, Any]:
    """Return the record that ``text`` is, unpacked if it is packed, with no text in it that a database refuses.

    Raises:
        Unreadable: it is none.
    """
    record = _parsed(text)
    if PACKED in record:
        record = _parsed(_unpacked(record))
    cleaned = _clean(record, 1)
    if not isinstance(cleaned, dict):  # pragma: no cover - a dict stays one
        raise Unreadable("it is no object")
    return cleaned


def text_of(value: object, longest: int | None = None) -> str | None:
    """Return the text that ``value`` is, cut after ``longest`` characters; None when it is none."""
    return value[:longest] if isinstance(value, str) else None


def moment_of(value: object) -> datetime | None:
    """Return the moment that an ISO 8601 text names, or a number of seconds since the epoch; None for anything else."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def whole_of(value: object, *, most: int = MOST_WHOLE_NUMBER) -> int | None:
    """Return the number that ``value`` is; None when it is none between 0 and ``most``."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return the object that ``value`` is; an empty one when it is none."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Return the list that ``value`` is; an empty one when it is none."""
    return value if isinstance(value, list) else []


def one_of[E: StrEnum](kinds: Iterable[E], value: object) -> E | None:
    """Return the member of ``kinds`` that ``value`` names; None when it names none."""
    return next((kind for kind in kinds if kind.value == value), None)


def id_of(value: object) -> uuid.UUID | None:
    """Return the id that ``value`` is; None when it is none."""
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def known_id_of(value: object) -> uuid.UUID:
    """Return the id that ``value`` is.

    Raises:
        Unreadable: it is none.
    """
    if (found := id_of(value)) is None:
        raise Unreadable("its id is no UUID")
    return found


def _parsed(text: str) -> dict[str, Any]:
    try:
        record = read_json(text)
    except NotJson as error:
        raise Unreadable("it is not JSON") from error
    if not isinstance(record, dict):
        raise Unreadable("it is no object")
    return record


def _unpacked(record: Mapping[str, Any]) -> str:
    if record[PACKED] != ZLIB_BASE64 or not isinstance(record.get("payload"), str):
        raise Unreadable("it is packed in an unknown way")
    unpacking = zlib.decompressobj()
    try:
        packed = base64.b64decode(record["payload"], validate=True)
        text = unpacking.decompress(packed, MOST_UNPACKED_BYTES).decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise Unreadable("it cannot be unpacked") from error
    if not unpacking.eof:
        raise Unreadable("it is cut off, or too large")
    return text


def _clean(value: object, depth: int) -> object:
    """Return ``value`` without NUL characters and unpaired surrogates, which are replaced by a mark."""
    if depth > MAX_DEPTH:
        raise Unreadable("it is nested too deep")
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(_clean(key, depth + 1)): _clean(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, depth + 1) for inner in value]
    return value
