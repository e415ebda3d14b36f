"""What an examination finds, and how examinations are done: none of them can keep the others from being done."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from django.db import DatabaseError, connection

from kneo_project.redaction import redact_text

logger = logging.getLogger(__name__)


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was looked at, how it is in a sentence, and what to do about it (nothing, when it is ok)."""

    subject: str
    level: Level
    text: str
    remedy: str = ""

    def as_document(self) -> dict[str, str]:
        """Return the line for programs, without secrets."""
        return {name: redact_text(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Something to look at: ``examine`` yields what it finds about the ``subject``."""

    subject: str
    examine: Callable[[], Iterable[Finding]]


def ok(subject: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(subject=subject, level=Level.OK, text=text)


def warning(subject: str, text: str, remedy: str) -> Finding:
    """Return something that will do harm one day, or may."""
    return Finding(subject=subject, level=Level.WARNING, text=text, remedy=remedy)


def wrong(subject: str, text: str, remedy: str) -> Finding:
    """Return something that does harm now."""
    return Finding(subject=subject, level=Level.WRONG, text=text, remedy=remedy)


def diagnose(examinations: Sequence[Examination]) -> Iterator[Finding]:
    """Yield what all ``examinations`` find."""
    for each in examinations:
        yield from _safely(each)


def _safely(examination: Examination) -> Iterator[Finding]:
    try:
        yield from examination.examine()
    except DatabaseError as error:
        connection.close()
        text = f"Could not be looked at: the database refused the question ({first_line(error)})."
        yield wrong(examination.subject, text, "See the lines of the database and the migrations.")
    except Exception as error:
        logger.exception("An examination failed", extra={"subject": examination.subject})
        text = f"Could not be looked at ({type(error).__name__})."
        yield wrong(examination.subject, text, "The log tells more.")


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, without secrets."""
    lines = str(error).strip().splitlines()
    return redact_text(lines[0]) if lines else type(error).__name__


def exit_status(findings: Iterable[Finding]) -> int:
    """Return 1 when something is wrong, else 0: warnings do not fail."""
    return int(any(each.level is Level.WRONG for each in findings))
