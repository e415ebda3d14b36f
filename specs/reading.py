"""A spec as somebody wrote it down: all there is to say about the text, line by line. Nothing is stored."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings

from kneo_project.errors import KneoError
from specs.gathering import SpecSource
from specs.language.diagnostics import SpecSyntaxError, told
from specs.language.parsing import load
from specs.language.plan import Plan
from specs.language.policy_report import policy_report
from specs.services import freeze, inspect


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to say about a text. ``line`` counts from 1; None is "about the whole of it"."""

    code: str
    severity: str
    message: str
    suggestion: str | None = None
    path: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What there is to say about a text.

    ``source`` is the spec that it is, None when it is no readable document. ``plan`` is what would be run, None when
    nothing would: then there are remarks that are errors, or ``refusal`` says why. ``report`` is the policy report.
    """

    remarks: tuple[Remark, ...] = ()
    source: SpecSource | None = None
    plan: Plan | None = None
    report: Mapping[str, Any] | None = None
    refusal: str | None = None

    @property
    def errors(self) -> int:
        """How many of the remarks are errors."""
        return sum(remark.severity == "error" for remark in self.remarks)


def read(text: str, *, name: str, environment: str | None) -> Reading:
    """Return what there is to say about ``text``, and whether it could be run in ``environment``.

    ``name`` is that of its file: one that ends in ``.json`` is JSON, all others are YAML.
    """
    try:
        document = load(text, name=name)
    except SpecSyntaxError as error:
        return Reading(remarks=_remarks(told(error.diagnostics)))
    size = len(json.dumps(document.data, ensure_ascii=False).encode())
    if size > settings.MAX_INLINE_SPEC_BYTES:
        return Reading(refusal=f"The spec takes {size:,} bytes; at most {settings.MAX_INLINE_SPEC_BYTES:,} are taken.")
    source = SpecSource(spec=document.data, positions=document.positions, environment=environment)
    examination = inspect(source)
    remarks, report = _remarks(told(examination.diagnostics)), policy_report(examination)
    if examination.errors:
        return Reading(remarks=remarks, source=source, report=report)
    try:
        plan = freeze(source, allowed_functions=settings.FUNCTION_MODULES).plan
    except KneoError as error:
        found = _remarks(cast("list[Mapping[str, Any]]", error.data.get("diagnostics", [])))
        return Reading(remarks=found + remarks, source=source, report=report, refusal=error.message)
    return Reading(remarks=remarks, source=source, plan=plan, report=report)


def _remarks(public: Iterable[Mapping[str, Any]]) -> tuple[Remark, ...]:
    """Return the diagnostics that are told as remarks; of one that sums up problems, each is one."""
    return tuple(_remark(each) for diagnostic in public for each in diagnostic.get("problems") or [diagnostic])


def _remark(diagnostic: Mapping[str, Any]) -> Remark:
    return Remark(
        code=diagnostic["code"],
        severity=diagnostic["severity"],
        message=diagnostic["message"],
        suggestion=diagnostic.get("suggestion"),
        path=diagnostic.get("path"),
        line=diagnostic.get("line"),
    )
