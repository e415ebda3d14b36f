"""The conversation that a run's records tell. Pure: it reads rows that were loaded before."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from runs.engine.progress import RecordType
from runs.models import Checkpoint

# A tolerated failure says nothing, and a step that is a workflow nothing that its own steps have not said.
NO_TURN = frozenset({"step_failed", "workflow"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. ``name`` is the step that spoke, if it was a function."""

    role: str
    content: str
    name: str | None = None
    tool_call_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=lambda: {"tool_calls": []})


def transcript(input_text: str, records: Iterable[Checkpoint]) -> list[Message]:
    """Return the conversation of a run on ``input_text`` after ``records``, in order.

    A function adds a turn and a person answers as the user. An agent starts over: it saw nothing but its own input.
    """
    messages = [Message(role="user", content=input_text)]
    for record in records:
        said = record.output_text or ""
        if "agent_name" in record.details:
            asked = input_text if record.input_text is None else record.input_text
            messages = [Message(role="user", content=asked), Message(role="assistant", content=said)]
        elif record.type != RecordType.STEP_COMPLETED or not NO_TURN.isdisjoint(record.details):
            continue
        elif "decision" in record.details:
            messages.append(Message(role="user", content=said))
        else:
            messages.append(Message(role="assistant", content=said, name=record.step_id))
    return messages
