"""What came back from an action."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """What the trace tells about a run."""

    WORKFLOW_STARTED = "workflow_started"
    WORKFLOW_RESUMED = "workflow_resumed"
    WORKFLOW_COMPLETED = "workflow_completed"
    HUMAN_REQUESTED = "human_intervention_requested"
    AGENT_STARTED = "run_started"
    AGENT_COMPLETED = "run_completed"
    AGENT_FAILED = "run_failed"
    STEP_FAILED = "step_failed"
    MODEL_CALL_FAILED = "model_call_failed"
    TOOL_STARTED = "tool_started"
    TOOL_COMPLETED = "tool_completed"
    TOOL_FAILED = "tool_failed"
    TOOL_DENIED = "tool_denied"
    GUARDRAIL_TRIGGERED = "guardrail_triggered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One trace event, not yet numbered. Previews are made where it is written, so that redaction sees it whole.

    ``model`` names what took part: the model, and with it the tool or the guardrail.
    """

    type: EventType
    at: datetime
    step_id: str | None = None
    agent_name: str | None = None
    input_text: str | None = None
    output_text: str | None = None
    error: str | None = None
    model: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as callers see it: ``type`` is stable, ``message`` a sentence."""

    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens spent, and what they cost in billionths of the currency's unit, as far as there are prices."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cost_nanos: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The work is done; ``text`` flows on. Times bound the attempt; ``usage`` is None when nobody reported any.

    ``variables`` are those of the run that the result sets.
    """

    text: str
    started_at: datetime
    finished_at: datetime
    usage: Usage | None = None
    events: tuple[Event, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The work failed with ``fault``. ``is_retriable`` is the error's own judgement; ``is_timeout`` tells its kind.

    ``is_final`` ends the run whatever ``on_error`` says: a broken rule is not an error to be worked around. ``usage``
    is what the attempt cost all the same.
    """

    fault: Fault
    started_at: datetime
    finished_at: datetime
    is_retriable: bool = True
    is_timeout: bool = False
    is_final: bool = False
    usage: Usage | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A person answered: ``text`` flows on; ``is_final_rejection`` ends the run (``on_reject: fail``)."""

    text: str
    answered_at: datetime
    decision: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    is_final_rejection: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Nothing is to be done before ``until`` (seconds since the epoch); the same step comes up again then."""

    until: float
    started_at: datetime
    finished_at: datetime
    usage: Usage | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """A person has to answer before the step can go on: the same step comes up again then.

    ``key`` names the question within the step and ``digest`` what it is about; the rest is what the person sees.
    """

    key: str
    digest: str
    title: str
    prompt: str
    text: str
    started_at: datetime
    finished_at: datetime
    context: Mapping[str, Any] = field(default_factory=dict)
    approver: str | None = None
    is_escalated: bool = False


type Settled = Succeeded | Failed | Deferred
type Outcome = Settled | Asks
