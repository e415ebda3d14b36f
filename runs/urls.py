"""The routes of runs and of the human tasks they wait for."""

from django.urls import path

from runs.views.assigning import AssignView, ClaimView, ReleaseView
from runs.views.bulk import BulkOperationView, BulkView, CancelBulkView
from runs.views.credentials import CredentialsView
from runs.views.events import EventsView, RunEventsView
from runs.views.human_tasks import HumanTasksView, HumanTaskView, ResumeView
from runs.views.inspecting import (
    CheckpointDiffView,
    RecoveryView,
    ReplayView,
    RunGraphView,
    RunPolicyReportView,
)
from runs.views.records import BranchesView, CheckpointsView, TraceView
from runs.views.redriving import ContinueRunView, ForkRunView
from runs.views.runs import CancelRunView, RunCountsView, RunsView, RunView, SpecRunView
from runs.views.schedules import (
    PauseScheduleView,
    ResumeScheduleView,
    SchedulesView,
    ScheduleView,
    TriggerScheduleView,
)
from runs.views.signals import SignalView

urlpatterns = [
    path("events", EventsView.as_view()),
    path("runs", RunsView.as_view()),
    path("runs/counts", RunCountsView.as_view()),
    path("runs/bulk", BulkView.as_view()),
    path("runs/bulk/<str:bulk_id>", BulkOperationView.as_view()),
    path("runs/bulk/<str:bulk_id>/cancel", CancelBulkView.as_view()),
    path("runs/<str:run_id>", RunView.as_view()),
    path("runs/<str:run_id>/events", RunEventsView.as_view()),
    path("runs/<str:run_id>/recovery", RecoveryView.as_view()),
    path("runs/<str:run_id>/replay", ReplayView.as_view()),
    path("runs/<str:run_id>/graph", RunGraphView.as_view()),
    path("runs/<str:run_id>/policy-report", RunPolicyReportView.as_view()),
    path("runs/<str:run_id>/checkpoints/diff", CheckpointDiffView.as_view()),
    path("runs/<str:run_id>/cancel", CancelRunView.as_view()),
    path("runs/<str:run_id>/continue", ContinueRunView.as_view()),
    path("runs/<str:run_id>/fork", ForkRunView.as_view()),
    path("runs/<str:run_id>/signals/<str:name>", SignalView.as_view()),
    path("runs/<str:run_id>/checkpoints", CheckpointsView.as_view()),
    path("runs/<str:run_id>/branches", BranchesView.as_view()),
    path("runs/<str:run_id>/trace", TraceView.as_view()),
    path("schedules", SchedulesView.as_view()),
    path("schedules/<str:name>", ScheduleView.as_view()),
    path("schedules/<str:name>/pause", PauseScheduleView.as_view()),
    path("schedules/<str:name>/resume", ResumeScheduleView.as_view()),
    path("schedules/<str:name>/trigger", TriggerScheduleView.as_view()),
    path("specs/run", SpecRunView.as_view()),
    path("security/credentials", CredentialsView.as_view()),
    path("human-tasks", HumanTasksView.as_view()),
    path("human-tasks/<str:continuation_id>", HumanTaskView.as_view()),
    path("human-tasks/<str:continuation_id>/resume", ResumeView.as_view()),
    path("human-tasks/<str:continuation_id>/claim", ClaimView.as_view()),
    path("human-tasks/<str:continuation_id>/release", ReleaseView.as_view()),
    path("human-tasks/<str:continuation_id>/assign", AssignView.as_view()),
]
