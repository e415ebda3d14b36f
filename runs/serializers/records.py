"""What checkpoints and trace events look like on the wire."""

from rest_framework import serializers

from kneo_project.api.answers import ListSerializer, MomentField
from runs.inspection.checkpoint_views import CheckpointView
from runs.models import TraceEvent


class TraceEventSerializer(serializers.Serializer[TraceEvent]):
    """One trace event. Every key is always there."""

    type = serializers.CharField()
    run_id = serializers.CharField()
    event_id = serializers.CharField(source="public_id")
    timestamp = MomentField(source="at")
    parent_event_id = serializers.CharField(allow_null=True, default=None)
    span_id = serializers.CharField(allow_null=True, default=None)
    parent_span_id = serializers.CharField(allow_null=True, default=None)
    agent_name = serializers.CharField(allow_null=True)
    workflow_name = serializers.CharField(allow_null=True)
    step_id = serializers.CharField(allow_null=True)
    runtime_mode = serializers.CharField(source="model.runtime_mode", allow_null=True, default=None)
    model_provider = serializers.CharField(source="model.model_provider", allow_null=True, default=None)
    model_name = serializers.CharField(source="model.model_name", allow_null=True, default=None)
    tool_name = serializers.CharField(source="model.tool_name", allow_null=True, default=None)
    guardrail_id = serializers.CharField(source="model.guardrail_id", allow_null=True, default=None)
    memory_policy = serializers.CharField(source="model.memory_policy", allow_null=True, default=None)
    input_preview = serializers.CharField(allow_null=True)
    output_preview = serializers.CharField(allow_null=True)
    metadata = serializers.DictField()
    error = serializers.CharField(allow_null=True)


class TraceSerializer(ListSerializer):
    """A page of a run's trace, in the order in which it was written."""

    run_id = serializers.CharField()
    events = TraceEventSerializer(many=True)
    dropped = serializers.IntegerField(help_text="Events beyond the service's limit, which were only counted.")
    complete = serializers.BooleanField(help_text="Whether nothing was dropped.")


class CheckpointSerializer(serializers.Serializer[CheckpointView]):
    """One checkpoint."""

    id = serializers.CharField(source="checkpoint.public_id")
    run_id = serializers.CharField(source="run.pk")
    type = serializers.CharField()
    workflow_name = serializers.CharField(source="run.workflow_name", allow_null=True)
    step_id = serializers.CharField(allow_null=True)
    node_id = serializers.CharField(allow_null=True)
    sequence = serializers.IntegerField(source="checkpoint.sequence")
    iteration = serializers.IntegerField(source="checkpoint.iteration")
    state = serializers.DictField()
    trace_events = TraceEventSerializer(many=True)
    metadata = serializers.DictField()
    created_at = MomentField(source="checkpoint.created_at")


class CheckpointListSerializer(ListSerializer):
    """A page of a run's checkpoints."""

    run_id = serializers.CharField()
    checkpoints = CheckpointSerializer(many=True)
