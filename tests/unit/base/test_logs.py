"""Log lines: JSON, with their context and without secrets."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.loglines import LogLines, captured

NAME = "kneo_serv.platform"
STANDARD = logging.getLogger(NAME)
STRUCTURED = structlog.stdlib.get_logger(NAME)


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with captured() as lines:
        yield lines


def last(lines: LogLines) -> dict[str, Any]:
    return lines.of(NAME)[-1]


def test_both_kinds_of_logger_write_the_same_line(lines: LogLines) -> None:
    STRUCTURED.warning("lease lapsed", run_id="7")
    STANDARD.warning("lease lapsed", extra={"run_id": "7"})
    expected = {"event": "lease lapsed", "level": "warning", "logger": NAME, "run_id": "7"}
    assert lines.of(NAME) == [expected, expected]


def test_secrets_are_taken_out_by_key_and_by_look(lines: LogLines) -> None:
    STANDARD.warning("sent %s", "Bearer abc.def", extra={"password": "hunter2", "facts": {"mail": "jo@example.org"}})
    assert (last(lines)["event"], last(lines)["password"]) == ("sent Bearer [REDACTED]", "[REDACTED]")
    assert last(lines)["facts"] == {"mail": "[REDACTED_EMAIL]"}


def test_a_traceback_is_one_value_of_the_line(lines: LogLines) -> None:
    try:
        int("token=abc")
    except ValueError:
        STANDARD.exception("step failed")
    assert last(lines)["exception"].startswith("Traceback")
    assert "token=[REDACTED]" in last(lines)["exception"]


def test_bound_context_is_on_every_line_until_it_ends(lines: LogLines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r"):
        STANDARD.warning("inside")
    STANDARD.warning("outside")
    assert [line.get("request_id") for line in lines.of(NAME)] == ["r", None]
