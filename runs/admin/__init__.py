"""The admin's pages about runs, what they left behind, and the human tasks they wait for."""

from runs.admin.answering import AnswerableTaskAdmin
from runs.admin.records import CheckpointAdmin, TraceEventAdmin
from runs.admin.runs import RunAdmin
from runs.admin.workers import LeaseOwnerAdmin

__all__ = ["AnswerableTaskAdmin", "CheckpointAdmin", "LeaseOwnerAdmin", "RunAdmin", "TraceEventAdmin"]
