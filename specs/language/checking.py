"""The pipeline every document goes through: migrate, normalise, schema, then the semantic checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import ValidationError

from specs.language.diagnostics import Diagnostic, Finding, Positions, diagnose
from specs.language.migrating import migrate, unknown_version
from specs.language.normalising import normalise, with_environment
from specs.language.schema import Spec
from specs.language.schema_problems import schema_finding
from specs.language.validation import semantic_findings
from specs.language.values import value_findings

MOST_VALUE_FINDINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found in a document. ``spec`` is None when the document does not even match the schema."""

    spec: Spec | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that make the document invalid."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.is_error)


def check(data: object, *, positions: Positions | None = None) -> list[Diagnostic]:
    """Return everything there is to say about the document ``data``, in the order of the checks. Never raises."""
    return list(examine(data, positions=positions).diagnostics)


def examine(data: object, *, environment: str | None = None, positions: Positions | None = None) -> Examination:
    """Check the document ``data`` of any version as if it were for ``environment``; never raises."""

    def refused(findings: Iterable[Finding]) -> Examination:
        return Examination(spec=None, diagnostics=tuple(diagnose(findings, positions)))

    if not isinstance(data, Mapping):
        return refused([Finding("E_SYNTAX", (), "A spec is a mapping.")])
    if findings := list(islice(value_findings(data), MOST_VALUE_FINDINGS)):
        return refused(findings)
    if finding := unknown_version(data):
        return refused([finding])
    try:
        spec = Spec.model_validate(with_environment(normalise(migrate(data).data), environment))
    except ValidationError as error:
        return refused([schema_finding(error)])
    return Examination(spec=spec, diagnostics=tuple(diagnose(semantic_findings(spec), positions)))


def full_form(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document ``data`` of a known version as v1 with every shorthand written out."""
    return normalise(migrate(data).data)
