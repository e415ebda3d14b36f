"""What other apps do with specs: validate, freeze, store, load the plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from kneo_project.errors import NotFound
from kneo_project.transient import retry_transient
from specs.errors import SpecInvalid, SpecPathConfined
from specs.gathering import Gathered, SkillsOverlay, SpecSource, gather, layered
from specs.language.checking import Examination
from specs.language.compiling import compile_plan, compile_spec
from specs.language.diagnostics import CompileError, Diagnostic, Finding, Location, diagnose
from specs.language.plan import Plan
from specs.language.schema import Spec
from specs.models import SpecSnapshot
from specs.plan_cache import PlanCache
from specs.policies import refuse_blocked, refuse_blocked_source

__all__ = [
    "FrozenSpec",
    "SkillsOverlay",
    "SpecSource",
    "freeze",
    "inspect",
    "inspect_for",
    "load_plan",
    "store",
    "store_content",
    "validate",
]

plans = PlanCache(512)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSpec:
    """A spec that will not change any more. ``digest`` is the SHA-256 of the canonical JSON of ``content``."""

    digest: str
    content: Mapping[str, Any]
    plan: Plan


def validate(source: SpecSource) -> list[Diagnostic]:
    """Return everything there is to say about the language of what ``source`` names; not whether it can be run here.

    Raises:
        KneoError: as ``inspect``.
    """
    return list(inspect(source).diagnostics)


def inspect(source: SpecSource) -> Examination:
    """Return what there is to say about what ``source`` names, and the spec to explain, draw or report on.

    Raises:
        InvalidRequest: no spec is given, or a file is missing.
        SpecPathConfined: a path leads outside the spec root.
        SpecInvalid: the text of a file is not a readable document.
    """
    gathered = gather(source)
    if unsound := gathered.unsound_values():
        return Examination(spec=None, diagnostics=tuple(unsound))
    return gathered.examine()


def inspect_for(source: SpecSource, *, strict: bool = True) -> tuple[Spec, Examination]:
    """Return the spec that ``source`` names and what there is to say about it, for its environment's eyes too.

    Arguments:
        source: where the spec comes from.
        strict: whether errors are a refusal; a document that does not match the schema is one in any case.

    Raises:
        KneoError: as ``inspect``.
        SpecInvalid: the spec has errors, or cannot be run by this release.
        EnvironmentPolicyBlocked: the environment that is asked for does not accept it.
    """
    gathered = gather(source)
    if unsound := gathered.unsound_values():
        raise SpecInvalid.because(unsound)
    examination = gathered.examine()
    if examination.spec is None:
        raise SpecInvalid.because(examination.diagnostics)
    refuse_blocked(examination, source.environment, gathered.positions)
    if examination.errors and (strict or _is_circular(examination)):
        raise SpecInvalid.because(examination.diagnostics)
    if not examination.errors:
        _plan_of(examination.spec, gathered.with_skills())
    return examination.spec, examination


def _is_circular(examination: Examination) -> bool:
    return any(diagnostic.code == "E_BUILD_CYCLE" for diagnostic in examination.diagnostics)


def freeze(source: SpecSource, *, allowed_functions: tuple[str, ...] | None) -> FrozenSpec:
    """Read, check and compile what ``source`` names, and return it frozen. Nothing is stored.

    Args:
        source: where the spec comes from.
        allowed_functions: the dotted module prefixes functions may come from; None allows all.

    Raises:
        InvalidRequest: no spec is given, or a file is missing.
        SpecPathConfined: a path leads outside the spec root.
        SpecInvalid: the spec has errors or cannot be run here; with all diagnostics.
        EnvironmentPolicyBlocked: the environment that is asked for does not accept it.
        NotFound: it names a stored spec, and there is none.
    """
    gathered = gather(source) if source.digest is None else _stored(source.digest)
    if unsound := gathered.unsound_values():
        raise SpecInvalid.because(unsound)
    refuse_blocked_source(gathered)
    gathered = _with_skills(gathered)
    digest = gathered.digest()
    plan = plans.get(digest)
    if plan is None:
        plan = _compile(gathered)
        plans.put(digest, plan)
    if findings := list(_foreign_functions(plan, allowed_functions)):
        raise SpecInvalid.because(diagnose(findings, gathered.positions))
    return FrozenSpec(digest=digest, content=gathered.content, plan=plan)


def store(frozen: FrozenSpec) -> SpecSnapshot:
    """Store ``frozen`` unless it is stored already. Safe when several do it at once, and inside a transaction."""
    return _store(frozen.digest, frozen.content)


def store_content(content: Mapping[str, Any]) -> SpecSnapshot:
    """Store the ``content`` of a spec that was frozen elsewhere, whether or not this release can run it.

    Raises:
        SpecInvalid: it holds values that cannot be stored or are beyond the limits.
    """
    gathered = Gathered(content=content)
    if unsound := gathered.unsound_values():
        raise SpecInvalid.because(unsound)
    return _store(gathered.digest(), content)


def examine_stored(content: Mapping[str, Any]) -> Examination:
    """Return what there is to say about the ``content`` of a stored spec."""
    return Gathered(content=content).examine()


@retry_transient
def load_plan(digest: str) -> Plan:
    """Return the plan of the stored spec ``digest``.

    Raises:
        NotFound: no such spec is stored.
        SpecInvalid: this release cannot run the spec any more.
    """
    plan = plans.get(digest)
    if plan is None:
        plan = _compile_stored(digest)
        plans.put(digest, plan)
    return plan


def _store(digest: str, content: Mapping[str, Any]) -> SpecSnapshot:
    snapshot = SpecSnapshot(digest=digest, content=content)
    SpecSnapshot.objects.bulk_create([snapshot], ignore_conflicts=True)
    return snapshot


def _stored(digest: str) -> Gathered:
    snapshot = SpecSnapshot.objects.filter(digest=digest).first()
    if snapshot is None:
        raise NotFound("This spec is not stored any more.")
    return Gathered(content=snapshot.content)


def _with_skills(gathered: Gathered) -> Gathered:
    """Read the skills of what was gathered; what is wrong with the spec itself matters more than a missing skill."""
    try:
        return gathered.with_skills()
    except (SpecInvalid, SpecPathConfined):
        examination = gathered.examine()
        if examination.errors:
            raise SpecInvalid.because(examination.diagnostics) from None
        raise


def _compile(gathered: Gathered) -> Plan:
    examination = gathered.examine()
    if examination.spec is None or examination.errors:
        raise SpecInvalid.because(examination.diagnostics)
    return _plan_of(examination.spec, gathered)


def _plan_of(spec: Spec, gathered: Gathered) -> Plan:
    try:
        plan = compile_spec(spec, positions=gathered.positions, skills=gathered.content.get("skills", {}))
    except CompileError as error:
        raise SpecInvalid.because(error.diagnostics) from error
    return _configured(plan)


def _compile_stored(digest: str) -> Plan:
    snapshot = SpecSnapshot.objects.filter(digest=digest).first()
    if snapshot is None:
        raise NotFound("The spec of this run is not stored any more.")
    try:
        content = snapshot.content
        plan = compile_plan(layered(content), environment=content["environment"], skills=content.get("skills", {}))
    except CompileError as error:
        raise SpecInvalid.because(error.diagnostics) from error
    return _configured(plan)


def _configured(plan: Plan) -> Plan:
    """Return ``plan`` with what the operator decides, not the spec."""
    return replace(plan, spread_above=settings.SPREAD_BRANCHES)


def _foreign_functions(plan: Plan, allowed: tuple[str, ...] | None) -> Iterator[Finding]:
    if allowed is None:
        return
    prefixes = tuple(f"{prefix}." for prefix in allowed)
    named: list[tuple[Location, str]] = [
        (("components", "functions", name, "implementation"), function.implementation)
        for name, function in plan.functions.items()
    ]
    named += [
        (("tools", name, "implementation"), tool.implementation)
        for name, tool in plan.tools.items()
        if tool.implementation
    ]
    for at, path in named:
        if not path.startswith(prefixes):
            message = f"{at[-2]!r} comes from a module that this service does not allow."
            yield Finding(
                "E_FUNCTION_NOT_ALLOWED", at, message, "The operator lists modules in KNEO_SERV_FUNCTION_MODULES."
            )
