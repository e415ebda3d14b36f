"""Marks what is worth a span. Nothing happens here until telemetry is on, and nothing of OpenTelemetry is imported.

Code says what it does in the words of this module, whoever records it; with nobody recording, each word costs a call.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from types import TracebackType
from typing import Protocol

from kneo_project.redaction import preview, redact

HERE = "here"
MAX_CONTENT_CHARS = 4096

type Attributes = Mapping[str, object]
"""Names and values of attributes; those that are None are left out."""
type Harmless = tuple[type[BaseException], ...]


class Content(StrEnum):
    """What people and models said: on spans only when the operator wants it there."""

    ARGUMENTS = "arguments"
    RESULTS = "results"
    MESSAGES = "messages"


class Span(Protocol):
    """A span that has begun."""

    def note(self, attributes: Attributes) -> None:
        """Add ``attributes``."""

    def fail(self, error_type: str, message: str) -> None:
        """Say that what the span stands for failed. The message is redacted."""

    def link(self, traceparent: str | None) -> None:
        """Point to the span that ``traceparent`` names, in whatever trace it is."""


class Recorder(Protocol):
    """Who records spans."""

    def span(
        self, name: str, attributes: Attributes, *, parent: str | None, since: int | None, harmless: Harmless
    ) -> AbstractContextManager[Span]:
        """See ``span``."""

    def here(self) -> Span:
        """See ``here``."""

    def traceparent(self) -> str | None:
        """See ``traceparent``."""

    def ids(self) -> Mapping[str, str]:
        """See ``ids``."""

    def records(self, content: Content) -> bool:
        """See ``records``."""

    def forget_message(self, task: object, message_id: str) -> None:
        """See ``forget_message``."""


class _Nothing:
    """The span that nobody records."""

    def __enter__(self) -> "_Nothing":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        return None

    def note(self, attributes: Attributes) -> None:
        pass

    def fail(self, error_type: str, message: str) -> None:
        pass

    def link(self, traceparent: str | None) -> None:
        pass


_NOTHING = _Nothing()
_NO_IDS: Mapping[str, str] = {}
_recorder: Recorder | None = None


def record_with(recorder: Recorder | None) -> None:
    """Let ``recorder`` record the spans of this process from now on; None lets nobody."""
    global _recorder  # noqa: PLW0603 - a process has one, or none
    _recorder = recorder


def is_recording() -> bool:
    """Whether anybody records spans in this process."""
    return _recorder is not None


def span(
    name: str,
    attributes: Attributes,
    *,
    parent: str | None = HERE,
    since: int | None = None,
    harmless: Harmless = (),
) -> AbstractContextManager[Span]:
    """Return a span that lasts as long as the block, and fails with any exception that is not ``harmless``.

    It belongs to the span in whose block it begins, or to the one that the traceparent ``parent`` names and is then
    linked to where it begins; None begins a trace. ``since`` is when it really began, in nanoseconds since the epoch.
    """
    if _recorder is None:
        return _NOTHING
    return _recorder.span(name, attributes, parent=parent, since=since, harmless=harmless)


def here() -> Span:
    """Return the span in whose block this is; what it is told is lost when there is none."""
    return _NOTHING if _recorder is None else _recorder.here()


def traceparent() -> str | None:
    """Return the name of the span in whose block this is, as W3C Trace Context writes it, to go on from there later.

    None when nobody records. Where there is no span, one begins a trace and ends at once.
    """
    return None if _recorder is None else _recorder.traceparent()


def ids() -> Mapping[str, str]:
    """Return the ``trace_id`` and ``span_id`` of the span in whose block this is; nothing when there is none."""
    return _NO_IDS if _recorder is None else _recorder.ids()


def records(content: Content) -> bool:
    """Whether the operator wants ``content`` on spans."""
    return _recorder is not None and _recorder.records(content)


def shown(content: object) -> str:
    """Return ``content`` as it may be on a span: JSON, redacted, and then cut at its longest."""
    return preview(json.dumps(redact(content), ensure_ascii=False, default=str), MAX_CONTENT_CHARS)


def forget_message(task: object, message_id: str) -> None:
    """Forget the span of a message of ``task`` that could not be sent: nobody else will end it."""
    if _recorder is not None:
        _recorder.forget_message(task, message_id)
