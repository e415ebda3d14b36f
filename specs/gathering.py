"""From what a caller names to the content a spec is frozen as."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from kneo_project.errors import InvalidRequest
from specs.language.checking import MOST_VALUE_FINDINGS, Examination, examine
from specs.language.diagnostics import Diagnostic, Positions, diagnose
from specs.language.layering import layer
from specs.language.parsing import Document
from specs.language.values import value_findings
from specs.sources import read_document


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecSource:
    """Where a caller says the spec comes from. An inline ``spec`` wins over ``spec_path``."""

    spec: Mapping[str, Any] | None = None
    spec_path: str | None = None
    overlays: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All that was read: ``content`` has the keys base, overlays, overrides and environment."""

    content: Mapping[str, Any]
    positions: Positions = field(default_factory=dict)

    def digest(self) -> str:
        """Return the SHA-256 of the canonical JSON of the content, whose values are known to be sound."""
        canonical = json.dumps(self.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def unsound_values(self) -> list[Diagnostic]:
        """Return the errors about values that cannot be stored or are beyond the limits."""
        findings = islice(value_findings(self.content), MOST_VALUE_FINDINGS)
        in_document = [replace(found, at=found.at[1:]) if found.at[:1] == ("base",) else found for found in findings]
        return diagnose(in_document, self.positions)

    def examine(self) -> Examination:
        """Return what there is to say about the layered document, whose values are known to be sound."""
        environment = self.content["environment"]
        return examine(layered(self.content), environment=environment, positions=self.positions)


def gather(source: SpecSource) -> Gathered:
    """Read everything that ``source`` names.

    Raises:
        InvalidRequest: no spec is given, or a file is missing.
        SpecPathConfined: a path leads outside the spec root.
        SpecInvalid: the text of a file is not a readable document.
    """
    base = _base(source)
    overlays = [read_document(path).data for path in source.overlays]
    content = {
        "base": base.data,
        "overlays": overlays,
        "overrides": source.overrides,
        "environment": source.environment,
    }
    is_layered = bool(overlays or source.overrides)
    return Gathered(content=content, positions={} if is_layered else base.positions)


def layered(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that ``content`` stands for: the base, then the overlays, then the overrides."""
    return layer(content["base"], [*content["overlays"], content["overrides"]])


def _base(source: SpecSource) -> Document:
    if source.spec is not None:
        return Document(name="spec", data=source.spec)
    if source.spec_path is not None:
        return read_document(source.spec_path)
    raise InvalidRequest("Give a `spec` or a `spec_path`.")
