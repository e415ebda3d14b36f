"""What the views of a run that explain it look like on the wire."""

from typing import Any

from rest_framework import serializers

from humantasks.serializers import HumanRequestSerializer
from kneo_project.api.answers import MomentField
from runs.serializers.runs import FaultSerializer
from specs.serializers import SpecGraphSerializer


class NamedCheckpointSerializer(serializers.Serializer[Any]):
    """Which checkpoint is meant."""

    id = serializers.CharField()
    sequence = serializers.IntegerField()
    type = serializers.CharField()
    created_at = MomentField()
    workflow_name = serializers.CharField(allow_null=True)
    step_id = serializers.CharField(allow_null=True)
    node_id = serializers.CharField(allow_null=True)


class TimelineItemSerializer(NamedCheckpointSerializer):
    """A checkpoint, and where the run was then."""

    status = serializers.CharField()
    current_step_index = serializers.IntegerField(allow_null=True)
    current_step_id = serializers.CharField(allow_null=True)
    current_node_id = serializers.CharField(allow_null=True)
    continuation_id = serializers.CharField(allow_null=True)
    pending_human_request_id = serializers.CharField(allow_null=True)
    error = FaultSerializer(allow_null=True)


class ReplayContextSerializer(serializers.Serializer[Any]):
    """What is done, what failed, and what the next step would be given."""

    run_id = serializers.CharField()
    status = serializers.CharField()
    workflow_type = serializers.CharField(allow_null=True)
    completed_steps = serializers.ListField(child=serializers.CharField())
    completed_nodes = serializers.ListField(child=serializers.CharField())
    failed_step = serializers.CharField(allow_null=True)
    failed_node = serializers.CharField(allow_null=True)
    next_step_index = serializers.IntegerField()
    resume_input = serializers.CharField(allow_null=True)
    checkpoint_count = serializers.IntegerField()
    can_continue = serializers.BooleanField()
    can_replay = serializers.BooleanField()


class RecoverySerializer(serializers.Serializer[Any]):
    """Where a run is, and with what it could go on."""

    run_id = serializers.CharField()
    status = serializers.CharField()
    workflow_name = serializers.CharField(allow_null=True)
    workflow_kind = serializers.CharField(allow_null=True)
    current_step_index = serializers.IntegerField(allow_null=True)
    current_node_id = serializers.CharField(allow_null=True)
    visited_steps = serializers.ListField(child=serializers.CharField())
    visited_nodes = serializers.ListField(child=serializers.CharField())
    checkpoint_count = serializers.IntegerField()
    pending_human_request = HumanRequestSerializer(allow_null=True)
    continuation_id = serializers.CharField(allow_null=True)
    error = FaultSerializer(allow_null=True)
    replay_context = ReplayContextSerializer()


class ReplaySerializer(serializers.Serializer[Any]):
    """All that happened to a run, in order."""

    run_id = serializers.CharField()
    status = serializers.CharField()
    workflow_name = serializers.CharField(allow_null=True)
    workflow_kind = serializers.CharField(allow_null=True)
    agent_name = serializers.CharField(allow_null=True)
    checkpoint_count = serializers.IntegerField()
    timeline = TimelineItemSerializer(many=True)
    replay_context = ReplayContextSerializer()


class AddedSerializer(serializers.Serializer[Any]):
    """A value that is in one of two checkpoints only."""

    path = serializers.CharField()
    value = serializers.JSONField()


class ChangedSerializer(serializers.Serializer[Any]):
    """A value that is another in the second of two checkpoints."""

    path = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class CheckpointDiffSerializer(serializers.Serializer[Any]):
    """What changed in a run between two checkpoints."""

    run_id = serializers.CharField()
    from_checkpoint = NamedCheckpointSerializer()
    to_checkpoint = NamedCheckpointSerializer()
    change_count = serializers.IntegerField()
    added = AddedSerializer(many=True)
    removed = AddedSerializer(many=True)
    changed = ChangedSerializer(many=True)
    truncated = serializers.BooleanField(help_text="Whether more changed than is shown.")


class RunGraphSerializer(SpecGraphSerializer):
    """The workflow of a run as nodes and edges, and where the run is in it."""

    run_id = serializers.CharField()
    status = serializers.CharField()
    current = serializers.CharField(allow_null=True)
    visited = serializers.ListField(child=serializers.CharField())
