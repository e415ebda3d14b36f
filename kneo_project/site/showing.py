"""Values as HTML. Whatever is shown on the site passes through here, and is redacted on the way."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from kneo_project.prices import NANOS
from kneo_project.redaction import preview, redact, redact_text

NOTHING = "–"  # noqa: RUF001 - a dash
EXCERPT_CHARS = 120
# An excerpt is cut from this much of a text: enough for its redaction to see whole secrets, little enough for a list.
EXCERPT_SOURCE_CHARS = 4_000
SORTS_BY_TIME = "7"  # the version of a UUID (RFC 9562), by which all of one minute begin alike
MOST_CHARS = 50_000


class Tone(StrEnum):
    """How a badge is coloured. The word on it says the same for those who do not see the colour."""

    QUIET = "quiet"
    BUSY = "busy"
    WAITING = "waiting"
    GOOD = "good"
    BAD = "bad"


def badge(word: str, tone: Tone) -> SafeString:
    """Return ``word`` on a coloured ground."""
    return format_html('<span class="kneo-badge kneo-{}">{}</span>', tone, word.replace("_", " "))


def words(text: str | None) -> str:
    """Return a short text redacted, on one line; a dash for none."""
    return redact_text(text) if text else NOTHING


def excerpt(text: str | None, limit: int = EXCERPT_CHARS) -> str:
    """Return the beginning of a text of any length, redacted; a dash for none."""
    return preview(" ".join(text[:EXCERPT_SOURCE_CHARS].split()), limit) if text else NOTHING


def long_text(text: str | None) -> SafeString | str:
    """Return a text with its line breaks, redacted, and cut where a page would become unusable."""
    return format_html('<pre class="kneo-text">{}</pre>', preview(text, MOST_CHARS)) if text else NOTHING


def document(value: object) -> SafeString | str:
    """Return a JSON-like value indented, redacted; a dash for an empty one."""
    if value in (None, {}, []):
        return NOTHING
    pretty = json.dumps(redact(value), indent=2, ensure_ascii=False, default=str)
    return format_html('<pre class="kneo-text">{}</pre>', _cut(pretty))


def facts(value: Mapping[str, object]) -> str:
    """Return an object's members on one line, redacted and cut; a dash for none."""
    pairs = cast("dict[str, object]", redact(value)).items()
    return excerpt(", ".join(f"{key}: {json.dumps(inner, default=str)}" for key, inner in pairs))


def number(value: int | None) -> str:
    """Return a number with its thousands apart; a dash for none."""
    return NOTHING if value is None else f"{value:,}"


def money(nanos: int | None) -> str:
    """Return an amount kept in billionths of the currency's unit; a dash for none."""
    if not nanos:
        return NOTHING
    return f"{nanos / NANOS:,.6f}".rstrip("0").rstrip(".") + f" {settings.CURRENCY}"


def age(at: datetime | None) -> SafeString | str:
    """Return how long ago or how far ahead a moment is, in one unit; the moment itself shows on hovering."""
    if at is None:
        return NOTHING
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), _clock(at), _distance(at))


def moment(at: datetime | None) -> SafeString | str:
    """Return a moment in full, and how long ago or how far ahead it is."""
    if at is None:
        return NOTHING
    return format_html('<time datetime="{}">{} · {}</time>', at.isoformat(), _clock(at), _distance(at))


def seconds_between(start: datetime | None, end: datetime | None) -> str:
    """Return the time from ``start`` to ``end`` as people say it; a dash when one of them is not known."""
    return NOTHING if start is None or end is None else length((end - start).total_seconds())


def length(seconds: float | None) -> str:
    """Return a length of time as people say it: ``80 ms``, ``4.2 s``, ``3 min 20 s``, ``9 d 4 h``; a dash for none."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def link(
    label: str, page: str, *, args: Sequence[object] = (), query: Mapping[str, object] | None = None
) -> SafeString:
    """Return a link to an admin page, such as ``runs_run_change`` for the row ``args``."""
    return format_html('<a href="{}">{}</a>', address(page, args=args, query=query), label)


def run_link(run_id: object) -> SafeString | str:
    """Return a link to a run, by the beginning of its id; a dash for none."""
    return NOTHING if run_id is None else link(short_id(run_id), "runs_run_change", args=[run_id])


def address(page: str, *, args: Sequence[object] = (), query: Mapping[str, object] | None = None) -> str:
    """Return the address of an admin page."""
    path = reverse(f"admin:{page}", args=args)
    return f"{path}?{urlencode(query)}" if query else path


def identifier(value: object) -> str:
    """Return an id in full; a dash for none."""
    return NOTHING if value is None else str(value)


def short_id(identifier: object) -> str:
    """Return as much of an id as tells rows apart, and finds them: of one that sorts by time the end as well."""
    text = str(identifier)
    return f"{text[:8]}…{text[-8:]}" if text[14:15] == SORTS_BY_TIME else text[:8]


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARS else text[:MOST_CHARS] + "\n…"


def _clock(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}"


def _distance(at: datetime) -> str:
    now = timezone.now()
    if abs((now - at).total_seconds()) < 60:
        seconds = round((now - at).total_seconds())
        return f"{seconds} s ago" if seconds >= 0 else f"in {-seconds} s"
    if at < now:
        return f"{timesince(at, now, depth=1)} ago"
    return f"in {timesince(now, at, depth=1)}"
