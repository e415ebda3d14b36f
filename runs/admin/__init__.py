"""The admin's pages about runs, what they left behind, and the human tasks they wait for."""

from runs.admin.answering import AnswerableTaskAdmin
from runs.admin.records import CheckpointAdmin, TraceEventAdmin
from runs.admin.retention import RetentionAdmin
from runs.admin.runs import RunAdmin
from runs.admin.schedules import ScheduleAdmin
from runs.admin.workers import LeaseOwnerAdmin

__all__ = [
    "AnswerableTaskAdmin",
    "CheckpointAdmin",
    "LeaseOwnerAdmin",
    "RetentionAdmin",
    "RunAdmin",
    "ScheduleAdmin",
    "TraceEventAdmin",
]
