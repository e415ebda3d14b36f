"""What a run looks like on the wire."""

from typing import Any

from rest_framework import serializers

from humantasks.serializers import HumanRequestSerializer
from kneo_project.api.answers import EpochField, ListSerializer, MomentField
from runs.inspection import metadata
from runs.inspection.run_views import RunView
from runs.serializers.requests import PriorityField


class UsageSerializer(serializers.Serializer[Any]):
    """Tokens spent."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class CostSerializer(serializers.Serializer[Any]):
    """What the tokens cost, as far as the operator has named prices."""

    amount = serializers.FloatField()
    currency = serializers.CharField()


class FaultSerializer(serializers.Serializer[Any]):
    """Why a run failed or was ended."""

    message = serializers.CharField()
    type = serializers.CharField()


class MessageSerializer(serializers.Serializer[Any]):
    """One turn of a conversation."""

    role = serializers.CharField()
    content = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    tool_call_id = serializers.CharField(allow_null=True)
    metadata = serializers.DictField()


class RunCreateSerializer(serializers.Serializer[RunView]):
    """The outcome of a run that somebody waited for, or where it is when the waiting ended."""

    run_id = serializers.CharField(source="run.pk")
    status = serializers.CharField()
    output_text = serializers.CharField(source="answer_text", allow_null=True)
    human_intervention_required = serializers.BooleanField()
    continuation_id = serializers.CharField(allow_null=True)
    metadata = serializers.SerializerMethodField()

    def get_metadata(self, view: RunView) -> dict[str, Any]:
        """Return what the run did."""
        return metadata.outcome(view)


class RunAcceptedSerializer(RunCreateSerializer):
    """The promise of a run: it is stored, and its id can be used at once."""

    def get_metadata(self, view: RunView) -> dict[str, Any]:
        """Return what was asked for."""
        return metadata.request(view)


class RunStatusSerializer(serializers.Serializer[RunView]):
    """One run."""

    run_id = serializers.CharField(source="run.pk")
    status = serializers.CharField()
    queued = serializers.BooleanField(source="is_queued", help_text="No worker has taken the run yet.")
    queue = serializers.CharField(source="run.queue", help_text="Which workers advance the run.")
    priority = PriorityField(source="run.priority", read_only=True)
    agent_name = serializers.CharField(source="run.agent_name", allow_null=True)
    workflow_name = serializers.CharField(source="run.workflow_name", allow_null=True)
    workflow_kind = serializers.CharField(allow_null=True, help_text="``workflow``, or ``agent`` for the agent alone.")
    session_id = serializers.CharField(source="run.session_id", allow_null=True)
    tags = serializers.ListField(source="run.tags", child=serializers.CharField())
    input_text = serializers.CharField(source="run.input_text", allow_null=True)
    output_text = serializers.CharField(allow_null=True)
    current_step_index = serializers.IntegerField(allow_null=True)
    current_step_id = serializers.CharField(allow_null=True)
    current_node_id = serializers.CharField(allow_null=True)
    visited_steps = serializers.ListField(child=serializers.CharField())
    visited_nodes = serializers.ListField(child=serializers.CharField())
    messages = MessageSerializer(many=True)
    pending_human_request = HumanRequestSerializer(allow_null=True)
    continuation_id = serializers.CharField(allow_null=True)
    trace_event_count = serializers.IntegerField(source="run.trace_event_count")
    usage = UsageSerializer(allow_null=True)
    cost = CostSerializer(allow_null=True)
    metadata = serializers.SerializerMethodField()
    error = FaultSerializer(allow_null=True)
    created_at = MomentField(source="run.created_at")
    updated_at = MomentField(source="run.updated_at")
    started_at = MomentField(source="run.started_at", allow_null=True)
    completed_at = MomentField(source="run.completed_at", allow_null=True)
    deadline_at = EpochField(source="run.deadline_at", allow_null=True)
    timeout_seconds = serializers.IntegerField(source="run.timeout_seconds", allow_null=True)
    attempts = serializers.IntegerField(source="run.attempts", help_text="Executions that died with their process.")

    def get_metadata(self, view: RunView) -> dict[str, Any]:
        """Return what was asked for, with the frozen spec, and what came of it."""
        return metadata.full(view)


class RunItemSerializer(RunStatusSerializer):
    """A run in a list. Its metadata leave out the spec."""

    id = serializers.CharField(source="run.pk")
    trace_dropped = serializers.IntegerField(source="run.trace_dropped")
    parent_run_id = serializers.CharField(
        source="run.parent_id", allow_null=True, help_text="The run that this one was forked from."
    )
    branch_of = serializers.CharField(allow_null=True, help_text="The run that this one is a branch of.")
    branch_index = serializers.IntegerField(
        source="run.branch_index", allow_null=True, help_text="Which of its branches this is, from 0."
    )

    def get_metadata(self, view: RunView) -> dict[str, Any]:
        """Return what was asked for and what came of it."""
        return metadata.listed(view)


class RunCountsSerializer(serializers.Serializer[Any]):
    """How many runs match."""

    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="Runs by status; queued ones are running."
    )
    queued = serializers.IntegerField(help_text="Runs that no worker has taken yet.")
    total = serializers.IntegerField()


class BranchListSerializer(ListSerializer):
    """A page of the branches of a run."""

    run_id = serializers.CharField()
    branches = RunItemSerializer(many=True)


class RunListSerializer(ListSerializer):
    """A page of runs."""

    runs = RunItemSerializer(many=True)
