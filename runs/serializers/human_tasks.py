"""What a human task looks like on the wire, and what answering it brings."""

from typing import Any

from rest_framework import serializers

from humantasks.models import AssigneeKind
from humantasks.serializers import ApprovalsSerializer, HumanRequestSerializer
from kneo_project.api.answers import EpochField, ListSerializer, MomentField
from runs.inspection import metadata
from runs.inspection.run_views import RunView
from runs.inspection.task_views import TaskView
from runs.serializers.records import TraceEventSerializer
from runs.serializers.runs import MessageSerializer


class StandingSerializer(serializers.Serializer[TaskView]):
    """Who is to answer an open human task, who has begun to, and who has approved already."""

    assignee_kind = serializers.ChoiceField(
        source="task.assignee_kind",
        choices=AssigneeKind.values,
        allow_null=True,
        help_text="What the assignee is; null when the spec names it.",
    )
    claimed_by = serializers.CharField(source="task.claimed_by", allow_null=True)
    claimed_at = MomentField(source="task.claimed_at", allow_null=True)
    approvals = ApprovalsSerializer()


class HumanTaskSerializer(StandingSerializer):
    """One open human task."""

    continuation_id = serializers.CharField(source="task.pk")
    run_id = serializers.CharField(source="task.run_id")
    request = HumanRequestSerializer(source="task.as_request", allow_null=True)
    messages = MessageSerializer(many=True, allow_null=True)
    created_at = MomentField(source="task.created_at")
    expires_at = EpochField(source="task.expires_at", allow_null=True)


class HumanTaskItemSerializer(StandingSerializer):
    """An open human task in a list."""

    id = serializers.CharField(source="task.pk")
    run_id = serializers.CharField(source="task.run_id")
    workflow_name = serializers.CharField(source="task.workflow_name")
    workflow_kind = serializers.CharField()
    current_step_index = serializers.IntegerField(allow_null=True)
    current_node_id = serializers.CharField(allow_null=True)
    current_input = serializers.CharField(source="task.input_text")
    visited_steps = serializers.ListField(child=serializers.CharField())
    visited_nodes = serializers.ListField(child=serializers.CharField())
    messages = MessageSerializer(many=True)
    variables = serializers.DictField()
    pending_human_request_id = serializers.CharField(source="task.request_id")
    pending_human_request = HumanRequestSerializer(source="task.as_request")
    created_at = MomentField(source="task.created_at")
    expires_at = EpochField(source="task.expires_at", allow_null=True)
    trace_events = TraceEventSerializer(many=True)
    metadata = serializers.DictField()


class HumanTaskListSerializer(ListSerializer):
    """A page of open human tasks."""

    tasks = HumanTaskItemSerializer(many=True)


class HumanResumeSerializer(serializers.Serializer[RunView]):
    """What became of the run after the answer. When it asks again, the next id is in the metadata."""

    run_id = serializers.CharField(source="run.pk")
    status = serializers.CharField()
    output_text = serializers.CharField(source="answer_text", allow_null=True)
    metadata = serializers.SerializerMethodField()

    def get_metadata(self, view: RunView) -> dict[str, Any]:
        """Return what the run did."""
        return metadata.outcome(view)
