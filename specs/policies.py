"""The stored demands of environments: read, replaced, tried out, and held against a spec."""

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
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
SPECS_AT_ONCE = 50
LONGEST_NAME = 128


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


def preview_policy(environment: str, policy: EnvironmentPolicy, *, at_most: int = RUNS_TRIED) -> PolicyPreview:
    """Return what storing ``policy`` would change for the newest runs of ``environment``. Writes nothing.

    Looks at no more runs than ``at_most``, and at each of their specs once.
    """
    stored = policy_of(environment)
    runs = list(_newest_runs(environment, at_most))
    verdicts = _verdicts({digest for _, digest in runs}, stored, policy)
    affected = [str(run_id) for run_id, digest in runs if verdicts[digest][0] != verdicts[digest][1]]
    blocking = [str(run_id) for run_id, digest in runs if verdicts[digest] == (False, True)]
    return PolicyPreview(
        environment=environment,
        diff=policy.changes_from(stored),
        affected_run_ids=affected,
        newly_blocking=blocking,
        runs_evaluated=len(runs),
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


def _newest_runs(environment: str, at_most: int) -> Iterator[tuple[uuid.UUID, str]]:
    """Yield the newest runs of ``environment`` with their specs, each frozen as it ran."""
    of_environment = SpecSnapshot.objects.filter(runs__environment=environment).order_by("-runs__created_at")
    yield from of_environment.values_list("runs__id", "digest")[:at_most]


def _verdicts(
    digests: Collection[str], stored: EnvironmentPolicy | None, proposed: EnvironmentPolicy
) -> dict[str, tuple[bool, bool]]:
    """Return of each spec whether ``stored`` and ``proposed`` block it; a few specs are in memory at a time."""
    found: dict[str, tuple[bool, bool]] = {}
    for some in batched(digests, SPECS_AT_ONCE):
        for snapshot in SpecSnapshot.objects.filter(digest__in=some):
            found[snapshot.digest] = _verdict(snapshot.content, stored, proposed)
    return found


def _verdict(
    content: Mapping[str, Any], stored: EnvironmentPolicy | None, proposed: EnvironmentPolicy
) -> tuple[bool, bool]:
    examination = examine(layered(content), environment=content["environment"])
    if examination.spec is None:
        return False, False
    judge = (stored, proposed)
    before, after = (bool(each and gate(examination.spec, examination.diagnostics, each)) for each in judge)
    return before, after
