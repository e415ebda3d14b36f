"""The stored demands of environments: read, replaced, tried out, and held against a spec."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from kneo_project.audit.services import record
from kneo_project.transient import retry_transient
from specs.errors import EnvironmentPolicyBlocked
from specs.gathering import Gathered, layered
from specs.language.checking import Examination, examine
from specs.language.diagnostics import Positions
from specs.language.policy import EnvironmentPolicy, gate
from specs.models import SpecSnapshot, StoredPolicy

RUNS_TRIED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPreview:
    """What a policy would change: fields, and the runs whose specs it would judge otherwise than the stored one."""

    environment: str
    diff: dict[str, dict[str, Any]]
    affected_run_ids: list[str]
    newly_blocking: list[str]
    runs_evaluated: int


def policies() -> dict[str, EnvironmentPolicy]:
    """Return the stored policies by the name of their environment."""
    return {row.environment: EnvironmentPolicy(**row.demands) for row in StoredPolicy.objects.all()}


def policy_of(environment: str) -> EnvironmentPolicy | None:
    """Return the policy that is stored for ``environment``; names are exact."""
    row = StoredPolicy.objects.filter(pk=environment).first()
    return None if row is None else EnvironmentPolicy(**row.demands)


@retry_transient
def replace_policy(environment: str, policy: EnvironmentPolicy, *, actor: str) -> EnvironmentPolicy | None:
    """Store ``policy`` for ``environment`` and return the one it replaces; of two at once, one is the other's past."""
    demands = policy.model_dump()
    with transaction.atomic():
        StoredPolicy.objects.bulk_create(
            [StoredPolicy(environment=environment, changed_by=actor)], ignore_conflicts=True
        )
        row = StoredPolicy.objects.select_for_update().get(pk=environment)
        previous = EnvironmentPolicy(**row.demands) if row.demands else None
        row.demands, row.changed_by = demands, actor
        row.save()
        facts = {
            "surface": "environment",
            "environment": environment,
            "previous": previous and previous.model_dump(),
            "current": demands,
            "changed_fields": sorted(policy.changes_from(previous)),
        }
        record("policy.changed", actor=actor, metadata=facts)
    return previous


def preview_policy(environment: str, policy: EnvironmentPolicy) -> PolicyPreview:
    """Return what storing ``policy`` would change for the newest runs of ``environment``. Writes nothing."""
    stored = policy_of(environment)
    affected, blocking, evaluated = [], [], 0
    verdicts: dict[str, tuple[bool, bool]] = {}
    for run_id, digest in _newest_runs(environment):
        if digest not in verdicts:
            verdicts[digest] = _verdicts(digest, stored, policy)
        before, after = verdicts[digest]
        evaluated += 1
        if before != after:
            affected.append(str(run_id))
        if after and not before:
            blocking.append(str(run_id))
    return PolicyPreview(
        environment=environment,
        diff=policy.changes_from(stored),
        affected_run_ids=affected,
        newly_blocking=blocking,
        runs_evaluated=evaluated,
    )


def refuse_blocked(examination: Examination, environment: str | None, positions: Positions) -> None:
    """Do nothing, unless the policy of ``environment`` does not accept what was examined.

    Raises:
        EnvironmentPolicyBlocked: with a diagnostic for each demand that is not met.
    """
    policy = policy_of(environment) if environment else None
    if environment is None or policy is None or examination.spec is None:
        return
    if blocked := gate(examination.spec, examination.diagnostics, policy, positions=positions):
        raise EnvironmentPolicyBlocked.because(environment, blocked)


def refuse_blocked_source(gathered: Gathered) -> None:
    """Do what ``refuse_blocked`` does with a source that need not be examined otherwise."""
    environment = gathered.content["environment"]
    if environment and StoredPolicy.objects.filter(pk=environment).exists():
        refuse_blocked(gathered.examine(), environment, gathered.positions)


def _newest_runs(environment: str) -> Iterator[tuple[uuid.UUID, str]]:
    """Yield the newest runs of ``environment`` with their specs, each frozen as it ran."""
    of_environment = SpecSnapshot.objects.filter(runs__environment=environment).order_by("-runs__created_at")
    yield from of_environment.values_list("runs__id", "digest")[:RUNS_TRIED]


def _verdicts(digest: str, stored: EnvironmentPolicy | None, proposed: EnvironmentPolicy) -> tuple[bool, bool]:
    """Return whether ``stored`` and ``proposed`` block the spec ``digest``."""
    content = SpecSnapshot.objects.get(pk=digest).content
    examination = examine(layered(content), environment=content["environment"])
    if examination.spec is None:
        return False, False
    judge = (stored, proposed)
    before, after = (bool(each and gate(examination.spec, examination.diagnostics, each)) for each in judge)
    return before, after
