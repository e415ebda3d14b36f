"""One JSON line per log event, from every process, without secrets, and with the ids of what it belongs to.

Any logger will do, the standard library's and structlog's: both end in the formatter named by the setting ``LOGGING``.
"""

import logging
from typing import cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from kneo_project import spans
from kneo_project.redaction import redact

# What the processors below add; their names and values are ours.
_OWN_KEYS = frozenset({"level", "logger", "timestamp"})


def configure_structlog() -> None:
    """Send events of structlog loggers the way of the standard library's."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def json_formatter() -> logging.Formatter:
    """Return the formatter that writes one JSON object per event, its keys sorted."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_rendered_text, *_common_processors()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact_event,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out of an event: by key, and out of every text."""
    ours = {key: event[key] for key in _OWN_KEYS & event.keys()}
    theirs = {key: value for key, value in event.items() if key not in ours}
    return {**cast("dict[str, object]", redact(theirs)), **ours}


def _without_rendered_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop what another handler's formatter left on the record: the event says it already."""
    event.pop("message", None)
    event.pop("asctime", None)
    return event


def _with_span(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Say in which span it happened, so that a line leads to its trace."""
    event.update(spans.ids())
    return event


def _common_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _with_span,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
