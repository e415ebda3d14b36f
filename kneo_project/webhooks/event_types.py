"""What can be told."""

from enum import StrEnum


class EventType(StrEnum):
    """The events that a subscription may ask for."""

    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_TIMED_OUT = "run.timed_out"
    RUN_EXPIRED = "run.expired"
    RUN_BLOCKED = "run.blocked"
    HUMAN_TASK_OPENED = "human_task.opened"
    HUMAN_TASK_ESCALATED = "human_task.escalated"


PING = "ping"  # only ever sent to the subscription that is tested
