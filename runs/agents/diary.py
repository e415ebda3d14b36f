"""What happened while an agent worked, for the trace of its run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Happening(StrEnum):
    """What an entry of a diary is about."""

    WORKFLOW_STARTED = "workflow_started"
    WORKFLOW_COMPLETED = "workflow_completed"
    STEP_FAILED = "step_failed"
    AGENT_STARTED = "run_started"
    AGENT_COMPLETED = "run_completed"
    AGENT_FAILED = "run_failed"
    MODEL_CALL_FAILED = "model_call_failed"
    TOOL_STARTED = "tool_started"
    TOOL_COMPLETED = "tool_completed"
    TOOL_FAILED = "tool_failed"
    TOOL_DENIED = "tool_denied"
    GUARDRAIL_TRIGGERED = "guardrail_triggered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. ``about`` names what took part: a tool, a guardrail, a model. Texts are not redacted."""

    type: Happening
    at: datetime
    agent_name: str
    input_text: str | None = None
    output_text: str | None = None
    error: str | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Diary:
    """Entries in the order in which they happened."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, happening: Happening, agent_name: str, **fields: Any) -> None:
        """Add an entry about ``agent_name`` at this moment; ``fields`` are those of ``Entry``."""
        self.entries.append(Entry(type=happening, at=datetime.now(UTC), agent_name=agent_name, **fields))
