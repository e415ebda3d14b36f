"""One JSON line per log event, from every process, without secrets."""

import logging
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from kneo_project.redaction import redact, redact_text

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def is_level(name: str) -> bool:
    """Whether ``name`` is a level that operators may ask for."""
    return name in LEVELS


def logging_config(level: str) -> dict[str, Any]:
    """Return Django's ``LOGGING``: JSON on stderr at ``level`` (an unknown one counts as INFO; a check refuses it)."""
    ours = {"level": level if is_level(level) else "INFO"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": _formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "kneo_serv": ours,
            "kneo_agent": ours,
            "celery": ours,
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
            # Refusals are in the request line already.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }


def configure_structlog() -> None:
    """Send events of structlog loggers the way of the standard library's."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out of every value of an event; its text stays its text."""
    clean = redact({key: value for key, value in event.items() if key not in _OWN_KEYS})
    kept = {key: redact_text(str(event[key])) for key in _OWN_KEYS if key in event}
    return {**kept, **(clean if isinstance(clean, dict) else {})}


_OWN_KEYS = ("event", "level", "logger", "timestamp")


def _formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared_processors()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact_event,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


def _shared_processors() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
