"""Where a spec on the command line is meant to run: an environment of a project, or no project at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kneo_project.errors import InvalidRequest
from specs.language.checking import Examination
from specs.language.diagnostics import Diagnostic, Positions, SpecSyntaxError
from specs.language.parsing import Document, load
from specs.language.policy import gate
from specs.language.resolving import resolve
from specs.project import Project
from specs.sources import read_named

DEFAULT_ENVIRONMENT = "dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An environment, with the project and the overlays that apply in it."""

    environment: str = DEFAULT_ENVIRONMENT
    project: Project | None = None
    overlays: Sequence[Mapping[str, Any]] = ()

    def resolve(self, base: Document) -> tuple[dict[str, Any], Positions]:
        """Return ``base`` as it is in this environment, and the positions that still hold."""
        config = self.project.config if self.project else None
        resolved = resolve(base.data, self.overlays, config, self.environment)
        return resolved, {} if self.overlays else base.positions

    def blocks(self, examination: Examination, positions: Positions) -> list[Diagnostic]:
        """Return why the policy of the environment does not accept what was examined; a spec must match the schema."""
        policy = self.project.config.policy_of(self.environment) if self.project else None
        if policy is None or examination.spec is None:
            return []
        return gate(examination.spec, examination.diagnostics, policy, positions=positions)


def setting_of(project: Project | None, environment: str | None = None) -> Setting:
    """Return the setting for ``environment`` of ``project``, by default the project's own choice, then ``dev``.

    Raises:
        InvalidRequest: an overlay cannot be read as a document.
    """
    if project is None:
        return Setting(environment=environment or DEFAULT_ENVIRONMENT)
    chosen = environment or project.config.project.default_environment
    overlays = [_overlay(path) for path in project.overlays(chosen)]
    return Setting(environment=chosen, project=project, overlays=overlays)


def _overlay(path: Path) -> Mapping[str, Any]:
    try:
        return load(read_named(str(path)), name=path.name).data
    except InvalidRequest:
        raise InvalidRequest(f"The overlay {path} cannot be read.") from None
    except SpecSyntaxError as error:
        first = error.diagnostics[0]
        raise InvalidRequest(f"The overlay {path}, line {first.line}: {first.message}") from None
