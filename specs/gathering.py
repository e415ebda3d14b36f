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
from specs.skills import read_skills
from specs.sources import read_document


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillsOverlay:
    """Which declared skills the root agent has besides those of the spec, and which it has not."""

    add: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecSource:
    """Where a caller says the spec comes from. An inline ``spec`` wins over ``spec_path``.

    The ``digest`` of a stored spec wins over both, and over whatever else is said: all of that is frozen in it.
    ``positions`` are the places of the keys of an inline spec in the text that it was read from, if there was one.
    """

    spec: Mapping[str, Any] | None = None
    spec_path: str | None = None
    overlays: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    environment: str | None = None
    skills: SkillsOverlay = SkillsOverlay()
    digest: str | None = None
    positions: Positions = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All that was read: ``content`` has the keys base, overlays, overrides and environment.

    Where they matter it also has ``skills_overlay``, and ``skills`` once these have been read.
    """

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

    def with_skills(self) -> "Gathered":
        """Return it with the skills that the layered document declares, read now unless they were read before.

        Raises:
            SpecPathConfined: a skill leads outside the spec root.
            SpecInvalid: a skill cannot be read.
        """
        if "skills" in self.content:
            return self
        skills = read_skills(layered(self.content))
        return replace(self, content={**self.content, "skills": skills}) if skills else self


def gather(source: SpecSource) -> Gathered:
    """Read everything that ``source`` names.

    Raises:
        InvalidRequest: no spec is given, a file is missing, or a skill is chosen that nobody declares.
        SpecPathConfined: a path leads outside the spec root.
        SpecInvalid: the text of a file is not a readable document.
    """
    base = _base(source)
    overlays = [read_document(path).data for path in source.overlays]
    content: dict[str, Any] = {
        "base": base.data,
        "overlays": overlays,
        "overrides": source.overrides,
        "environment": source.environment,
    }
    if source.skills != SkillsOverlay():
        _refuse_undeclared(source.skills, layered(content))
        content["skills_overlay"] = {"add": list(source.skills.add), "disable": list(source.skills.disable)}
    is_layered = bool(overlays or source.overrides or source.skills != SkillsOverlay())
    return Gathered(content=content, positions={} if is_layered else base.positions)


def layered(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that ``content`` stands for: the base, the overlays, the overrides, the choice of skills."""
    document = layer(content["base"], [*content["overlays"], content["overrides"]])
    choice, agent = content.get("skills_overlay"), document.get("agent")
    if choice is None or not isinstance(agent, dict):
        return document
    named = agent.get("skills")
    skills = [*(named if isinstance(named, list) else ()), *choice["add"]]
    chosen = [skill for skill in skills if skill not in choice["disable"]]
    return {**document, "agent": {**agent, "skills": chosen}}


def _refuse_undeclared(choice: SkillsOverlay, document: Mapping[str, Any]) -> None:
    declared = document.get("skills") or {}
    if not isinstance(declared, Mapping):
        return  # what is wrong with it is told with the rest
    for name in (*choice.add, *choice.disable):
        if name not in declared:
            raise InvalidRequest(f"The spec declares no skill {name!r}; skills must name declared skills.")


def _base(source: SpecSource) -> Document:
    if source.spec is not None:
        return Document(name="spec", data=source.spec, positions=source.positions)
    if source.spec_path is not None:
        return read_document(source.spec_path)
    raise InvalidRequest("Give a `spec` or a `spec_path`.")
