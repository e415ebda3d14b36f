"""What one action changed: the next state, and what must be remembered in the same commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from runs.engine.lifecycle import Status
from runs.engine.outcomes import Event, Fault, Usage
from runs.engine.state import State


class RecordType(StrEnum):
    """The kinds of checkpoint."""

    RUN_STARTED = "run_started"
    REPLAY_CONTEXT = "replay_context"
    STEP_COMPLETED = "step_completed"
    STEP_FAILED = "step_failed"
    HUMAN_PAUSE = "human_pause"
    HUMAN_RESUME = "human_resume"
    RUN_COMPLETED = "run_completed"
    RUN_FAILED = "run_failed"
    RUN_CANCELLED = "run_cancelled"
    RUN_TIMED_OUT = "run_timed_out"
    RUN_EXPIRED = "run_expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One checkpoint, not yet numbered. Texts are raw: whoever resumes reads the truth."""

    type: RecordType
    status: Status
    step_id: str | None = None
    path: str = ""
    iteration: int = 1
    attempt: int = 1
    input_text: str | None = None
    output_text: str | None = None
    fault: Fault | None = None
    started_at: datetime | None = None
    usage: Usage | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One commit's worth of change.

    ``state`` is None when the run stays where it is; ``status`` is the run's status afterwards;
    ``retry_after_seconds`` says that the lease is given back until then; ``is_final`` that the run fails in a way that
    nothing around it may work around.
    """

    state: State | None = None
    status: Status = Status.RUNNING
    records: tuple[Record, ...] = ()
    events: tuple[Event, ...] = ()
    output_text: str | None = None
    fault: Fault | None = None
    usage: Usage | None = None
    retry_after_seconds: float | None = None
    is_final: bool = False
