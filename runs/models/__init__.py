"""What is known about runs. Behaviour lives elsewhere: ``transitions`` writes, ``leases`` says who may."""

from runs.models.bulk import BulkAction, BulkOperation, BulkStatus
from runs.models.records import Checkpoint, IdempotencyRecord, JournalEntry, Signal, TraceEvent
from runs.models.runs import FanOut, LeaseOwner, Priority, Run, RunLabel, RunQuerySet, Target
from runs.models.schedules import Outcome, Overlap, Schedule, ScheduledRun
from runs.models.tallies import HourlyTally, RecentTally, RetentionMark, StatisticsMark, Tally, TotalTally

__all__ = [
    "BulkAction",
    "BulkOperation",
    "BulkStatus",
    "Checkpoint",
    "FanOut",
    "HourlyTally",
    "IdempotencyRecord",
    "JournalEntry",
    "LeaseOwner",
    "Outcome",
    "Overlap",
    "Priority",
    "RecentTally",
    "RetentionMark",
    "Run",
    "RunLabel",
    "RunQuerySet",
    "Schedule",
    "ScheduledRun",
    "Signal",
    "StatisticsMark",
    "Tally",
    "Target",
    "TotalTally",
    "TraceEvent",
]
