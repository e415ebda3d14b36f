"""Finding and reading a project's settings, and the spec files of a project."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from kneo_project.errors import InvalidRequest
from specs.errors import ProjectConfigInvalid
from specs.language.diagnostics import SpecSyntaxError, path_of
from specs.language.parsing import load
from specs.language.project import ProjectConfig
from specs.sources import read_named

DIRECTORY = ".kneo"
NAMES = (f"{DIRECTORY}/config.yaml", f"{DIRECTORY}/config.yml", "kneo_serv.yaml", "kneo_serv.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project's settings and the directory that its relative paths start from."""

    root: Path
    path: Path
    config: ProjectConfig

    def overlays(self, environment: str) -> list[Path]:
        """Return the overlays for ``environment`` that exist, in order."""
        return [path for path in self._listed(environment) if path.exists()]

    def missing_overlays(self, environment: str) -> list[Path]:
        """Return the overlays for ``environment`` that are listed and do not exist."""
        return [path for path in self._listed(environment) if not path.exists()]

    def default_spec(self) -> Path | None:
        """Return the spec that is meant when none is named, if the project says."""
        name = self.config.specs.default_spec
        return self.root / name if name else None

    def owns(self, path: Path) -> bool:
        """Return whether ``path`` is a file about specs and no spec: the settings or an overlay."""
        overlays = [overlay for environment in self.config.specs.overlays for overlay in self._listed(environment)]
        return path.resolve() in {known.resolve() for known in (self.path, *overlays)}

    def _listed(self, environment: str) -> list[Path]:
        return [self.root / path for path in self.config.specs.overlays.get(environment, [])]


def find_project(start: Path, *, named: str | None = None) -> Project | None:
    """Return the project that ``named`` is the settings file of, else the nearest one at or above ``start``, if any.

    Raises:
        InvalidRequest: the named file does not exist or cannot be read.
        ProjectConfigInvalid: the file is not what settings of a project look like.
    """
    if named:
        return _read(Path(named))
    for directory in (start.resolve(), *start.resolve().parents):
        for name in NAMES:
            if (directory / name).is_file():
                return _read(directory / name)
    return None


def _read(path: Path) -> Project:
    try:
        text = read_named(str(path))
    except InvalidRequest:
        raise InvalidRequest(f"The project settings {path} were not found or cannot be read.") from None
    root = path.resolve().parent
    root = root.parent if root.name == DIRECTORY else root
    try:
        config = ProjectConfig.model_validate(load(text, name=path.name).data)
    except SpecSyntaxError as error:
        first = error.diagnostics[0]
        raise ProjectConfigInvalid(f"{path}:{first.line}: {first.message}") from error
    except ValidationError as error:
        problems = "; ".join(f"{path_of(each['loc'])}: {each['msg']}" for each in error.errors(include_input=False))
        raise ProjectConfigInvalid(f"The project settings {path} are wrong: {problems}.") from None
    return Project(root=root, path=path, config=config)
