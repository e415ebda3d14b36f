"""The log lines of a test, as operators would read them."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from kneo_project.logs import json_formatter


class LogLines:
    """What was logged so far, in the project's own format."""

    def __init__(self) -> None:
        self.stream = StringIO()

    def of(self, logger: str) -> list[dict[str, Any]]:
        """Return the lines of ``logger``, without their timestamps."""
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if line.pop("timestamp") and line["logger"] == logger]


@contextmanager
def captured() -> Iterator[LogLines]:
    """Collect log lines beside whatever else handles them."""
    lines = LogLines()
    handler = logging.StreamHandler(lines.stream)
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)
