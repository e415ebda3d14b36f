"""What an environment demands of a spec beyond the language, and the gate that holds a spec to it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from specs.language.diagnostics import Diagnostic, Finding, Positions, diagnose
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec
from specs.language.validation.steps import has_enabled_human


class EnvironmentPolicy(BaseModel):
    """The demands of one environment. Keys are known to the caller; what is not one is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    fail_on_warnings: bool = False
    blocked_diagnostic_codes: list[str] = []
    require_human_review: bool = False
    require_tool_permissions: bool = False
    deny_unrestricted_tools: bool = False
    require_guardrails: bool = False

    def changes_from(self, previous: "EnvironmentPolicy | None") -> dict[str, dict[str, Any]]:
        """Return each field that differs from ``previous``, as ``{field: {from, to}}``; without one, every field."""
        before: Mapping[str, Any] = previous.model_dump() if previous else {}
        after = self.model_dump()
        return {
            field: {"from": before.get(field), "to": value}
            for field, value in after.items()
            if field not in before or before[field] != value
        }


def gate(
    spec: Spec, diagnostics: Sequence[Diagnostic], policy: EnvironmentPolicy, *, positions: Positions | None = None
) -> list[Diagnostic]:
    """Return why ``policy`` blocks ``spec``, of which the checks said ``diagnostics``; empty when it does not."""
    if not policy.enabled:
        return []
    return [*_of_diagnostics(diagnostics, policy), *diagnose(_of_spec(spec, policy), positions)]


def is_unrestricted(agent: AgentSpec) -> bool:
    """Return whether the tools of ``agent`` may do something that no permission narrows down."""
    if agent.tools is None:
        return False
    permissions = agent.tools.permissions
    if permissions is None:
        return True
    return bool(
        permissions.allow_shell
        or permissions.allow_filesystem_write
        or permissions.allow_filesystem_read
        or (permissions.allow_network and not permissions.allowed_domains)
    )


def guardrail_counts(agent: AgentSpec) -> dict[str, int]:
    """Return how many guardrails ``agent`` has in each stage that has any."""
    stages = agent.guardrails or {}
    return {stage: len(items) for stage, items in sorted(stages.items()) if isinstance(items, list) and items}


def _of_diagnostics(diagnostics: Sequence[Diagnostic], policy: EnvironmentPolicy) -> Iterator[Diagnostic]:
    blocked = set(policy.blocked_diagnostic_codes)
    for diagnostic in diagnostics:
        if diagnostic.code in blocked:
            message = f"This environment does not accept {diagnostic.code}: {diagnostic.message}"
            yield diagnostic.recoded("E_ENV_POLICY_DIAGNOSTIC", message)
        if policy.fail_on_warnings and diagnostic.is_warning:
            message = f"This environment accepts no warnings: {diagnostic.message}"
            yield diagnostic.recoded("E_ENV_POLICY_WARNING", message)


def _of_spec(spec: Spec, policy: EnvironmentPolicy) -> Iterator[Finding]:
    if policy.require_human_review and not (spec.workflow and has_enabled_human(spec.workflow)):
        message = "This environment wants a person to be asked, and no enabled step of the root workflow asks one."
        yield Finding("E_ENV_POLICY_HUMAN_REVIEW", ("workflow",), message, "Add a human step.")
    if policy.require_tool_permissions:
        yield from _without_permissions(spec)
    if policy.deny_unrestricted_tools:
        yield from _unrestricted(spec)
    if policy.require_guardrails and not any(guardrail_counts(agent) for _, agent in spec.located_agents()):
        message = "This environment wants guardrails, and no agent has any."
        yield Finding("E_ENV_POLICY_GUARDRAILS", ("agent", "guardrails"), message, "Add `guardrails` to an agent.")


def _without_permissions(spec: Spec) -> Iterator[Finding]:
    for at, agent in spec.located_agents():
        if agent.tools and agent.tools.include and agent.tools.permissions is None:
            message = f"This environment wants permissions for the tools of agent {agent.name!r}."
            where = (*at, "tools", "permissions")
            yield Finding("E_ENV_POLICY_TOOL_PERMISSIONS", where, message, "Add `permissions` to its tools.")


def _unrestricted(spec: Spec) -> Iterator[Finding]:
    for at, agent in spec.located_agents():
        if is_unrestricted(agent):
            message = f"This environment does not accept the unrestricted tools of agent {agent.name!r}."
            hint = "Allow no shell and no files, and list `allowed_domains` with `allow_network`."
            yield Finding("E_ENV_POLICY_UNRESTRICTED_TOOLS", (*at, "tools"), message, hint)
