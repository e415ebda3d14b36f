"""What callers send about specs and policies, and what they get back."""

from typing import Any

from rest_framework import serializers

from kneo_project.api.answers import ListSerializer
from kneo_project.api.serializers import (
    FlagField,
    ItemsField,
    JsonObjectField,
    PathField,
    StrictSerializer,
    StringField,
)
from kneo_project.errors import InvalidRequest
from specs.language.policy import EnvironmentPolicy
from specs.services import SkillsOverlay, SpecSource


class SpecEnvelopeSerializer(StrictSerializer):
    """A spec, inline or by path, and what is laid over it."""

    spec = JsonObjectField(limit="MAX_INLINE_SPEC_BYTES", allow_null=True, default=None)
    spec_path = PathField(allow_null=True, default=None)
    environment = StringField(limit="MAX_PATH_CHARS", allow_null=True, default=None)
    overlays = ItemsField(child=PathField(), default=list)
    overrides = JsonObjectField(limit="MAX_OVERRIDES_BYTES", default=dict)


class SpecCompileRequestSerializer(SpecEnvelopeSerializer):
    """The same, and whether errors are a refusal."""

    strict = FlagField(default=True)


class PolicyRequestSerializer(StrictSerializer):
    """All demands of an environment; what is left out is not demanded."""

    enabled = FlagField(default=True)
    fail_on_warnings = FlagField(default=False)
    blocked_diagnostic_codes = ItemsField(child=StringField(limit="MAX_PATH_CHARS"), default=list)
    require_human_review = FlagField(default=False)
    require_tool_permissions = FlagField(default=False)
    deny_unrestricted_tools = FlagField(default=False)
    require_guardrails = FlagField(default=False)


class SkillSerializer(serializers.Serializer[Any]):
    """An Agent Skill that lies ready for specs to name; the path is relative to the root it was found under."""

    name = serializers.CharField()
    description = serializers.CharField()
    path = serializers.CharField()


class SkillListSerializer(ListSerializer):
    """A page of the skills that lie ready."""

    skills = SkillSerializer(many=True)


def source_in(body: dict[str, Any]) -> SpecSource:
    """Return the source that a validated ``body`` names; it may leave out any part."""
    skills = body.get("skills") or {}
    return SpecSource(
        spec=body.get("spec"),
        spec_path=body.get("spec_path"),
        environment=body.get("environment"),
        overlays=tuple(body.get("overlays") or ()),
        overrides=body.get("overrides") or {},
        skills=SkillsOverlay(add=tuple(skills.get("add", ())), disable=tuple(skills.get("disable", ()))),
    )


def other_source_in(body: dict[str, Any]) -> SpecSource | None:
    """Return the source that a validated ``body`` names instead of the one there is; None when it names none.

    Raises:
        InvalidRequest: it says how another spec is to be read, and names none.
    """
    source = source_in(body)
    if source.spec is not None or source.spec_path is not None:
        return source
    if source != SpecSource():
        raise InvalidRequest("Overlays, overrides, skills and an environment need a `spec` or a `spec_path`.")
    return None


def policy_in(body: dict[str, Any]) -> EnvironmentPolicy:
    """Return the policy that a validated ``body`` is."""
    return EnvironmentPolicy(**body)


class DiagnosticSerializer(serializers.Serializer[Any]):
    """One remark on a spec."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=["error", "warning", "info"])
    message = serializers.CharField()
    path = serializers.CharField(allow_null=True)
    suggestion = serializers.CharField(allow_null=True)


class SpecValidateSerializer(serializers.Serializer[Any]):
    """Whether a spec is valid, and everything there is to say about it."""

    valid = serializers.BooleanField()
    diagnostics = DiagnosticSerializer(many=True)


class CompiledSummarySerializer(serializers.Serializer[Any]):
    """What was compiled."""

    has_root_agent = serializers.BooleanField()
    has_root_workflow = serializers.BooleanField()
    component_agents = serializers.ListField(child=serializers.CharField())


class SpecCompileSerializer(serializers.Serializer[Any]):
    """Whether a spec can be run."""

    ok = serializers.BooleanField()
    diagnostics = DiagnosticSerializer(many=True)
    summary = CompiledSummarySerializer()


class ExplainedSummarySerializer(serializers.Serializer[Any]):
    """What is in a spec, by name."""

    root_agent = serializers.CharField()
    root_workflow = serializers.CharField(allow_null=True)
    component_agents = serializers.ListField(child=serializers.CharField())
    component_workflows = serializers.ListField(child=serializers.CharField())


class SpecExplainSerializer(serializers.Serializer[Any]):
    """What is in a spec."""

    summary = ExplainedSummarySerializer()


class GraphNodeSerializer(serializers.Serializer[Any]):
    """An enabled step."""

    id = serializers.CharField()
    kind = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    on_error = serializers.CharField(allow_null=True)
    fallback_node = serializers.CharField(allow_null=True)
    max_retries = serializers.IntegerField()
    timeout_seconds = serializers.IntegerField(allow_null=True)


class GraphEdgeSerializer(serializers.Serializer[Any]):
    """A way from step to step."""

    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()
    label = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    conditional = serializers.BooleanField()
    priority = serializers.IntegerField()


class SpecGraphSerializer(serializers.Serializer[Any]):
    """The root workflow as nodes and edges."""

    workflow_name = serializers.CharField(allow_null=True)
    workflow_kind = serializers.CharField(allow_null=True)
    start = serializers.CharField(allow_null=True)
    max_steps = serializers.IntegerField(allow_null=True)
    nodes = GraphNodeSerializer(many=True)
    edges = GraphEdgeSerializer(many=True)


class PolicyReportSerializer(serializers.Serializer[Any]):
    """What a spec may do, and who is asked."""

    valid = serializers.BooleanField()
    report = serializers.DictField()


class PolicySerializer(serializers.Serializer[Any]):
    """The demands of an environment."""

    enabled = serializers.BooleanField()
    fail_on_warnings = serializers.BooleanField()
    blocked_diagnostic_codes = serializers.ListField(child=serializers.CharField())
    require_human_review = serializers.BooleanField()
    require_tool_permissions = serializers.BooleanField()
    deny_unrestricted_tools = serializers.BooleanField()
    require_guardrails = serializers.BooleanField()


class StoredPolicySerializer(serializers.Serializer[Any]):
    """An environment with its demands, and after a change those before it."""

    environment = serializers.CharField()
    policy = PolicySerializer(allow_null=True)
    previous_policy = PolicySerializer(allow_null=True)


class PolicyListSerializer(serializers.Serializer[Any]):
    """All environments with demands."""

    policies = serializers.DictField(child=PolicySerializer())
    count = serializers.IntegerField()


class PolicyPreviewSerializer(serializers.Serializer[Any]):
    """What a change of demands would change."""

    environment = serializers.CharField()
    diff = serializers.DictField(child=serializers.DictField())
    affected_run_ids = serializers.ListField(child=serializers.CharField())
    newly_blocking = serializers.ListField(child=serializers.CharField())
    runs_evaluated = serializers.IntegerField()
