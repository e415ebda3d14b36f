"""The engine's value: where a run is and what flows on. Small by design: it never grows with the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a run is.

    ``text`` is what the next step receives; it is not part of the cursor because the last step's checkpoint has it.
    ``index`` is the position in the workflow, ``attempt`` the try of the step there (from 1), ``in_fallback`` whether
    that step's fallback stands in for it, ``started`` whether the workflow has announced itself in the trace.
    """

    text: str
    index: int = 0
    attempt: int = 1
    in_fallback: bool = False
    started: bool = False

    @classmethod
    def restore(cls, cursor: Mapping[str, Any], *, text: str) -> Self:
        """Return the state kept in ``cursor``; ``text`` is the last recorded output, or the run's input."""
        return cls(
            text=text,
            index=cursor.get("index", 0),
            attempt=cursor.get("attempt", 1),
            in_fallback=cursor.get("in_fallback", False),
            started=cursor.get("started", False),
        )

    def cursor(self) -> dict[str, Any]:
        """Return what must be stored with the run to find the way back here."""
        return {
            "index": self.index,
            "attempt": self.attempt,
            "in_fallback": self.in_fallback,
            "started": self.started,
        }
