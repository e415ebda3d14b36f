"""Checking spec files for the person at the keyboard, whose paths are not confined."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kneo_project.errors import InvalidRequest
from specs.language.checking import Examination, examine
from specs.language.diagnostics import Diagnostic, Finding, Severity, SpecSyntaxError, diagnose, told
from specs.language.parsing import load
from specs.project import Project
from specs.setting import Setting
from specs.sources import is_directory, read_named

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """What there is to say about one file. ``diagnostics`` include why the environment blocks it, ``blocked``."""

    path: str
    diagnostics: tuple[Diagnostic, ...]
    blocked: tuple[Diagnostic, ...] = ()
    examination: Examination | None = None
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        """Whether the file holds a spec without errors that its environment accepts."""
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)

    @property
    def was_found(self) -> bool:
        """Whether there was a file to read."""
        return not any(diagnostic.code == "E_FILE" for diagnostic in self.diagnostics)

    def count(self, severity: Severity) -> int:
        """Return how many diagnostics weigh ``severity``."""
        return sum(diagnostic.severity is severity for diagnostic in self.diagnostics)

    def as_dict(self) -> dict[str, Any]:
        """Return the public form of the verdict."""
        return {"valid": self.is_valid, "diagnostics": told(self.diagnostics)}


def check_paths(paths: Iterable[str], setting: Setting) -> Iterator[FileCheck]:
    """Yield a verdict for each file and, sorted, for each spec file in or below each directory."""
    for path in paths:
        directory = Path(path)
        if not is_directory(directory):
            yield check_file(path, setting)
            continue
        found = list(_specs_below(directory, setting.project))
        yield from (check_file(str(file), setting) for file in found)
        if not found:
            yield _unreadable(path, "There is no YAML or JSON file in this directory.")


def check_file(path: str, setting: Setting) -> FileCheck:
    """Return the verdict on the file at ``path`` as it is in the environment of ``setting``."""
    try:
        document, positions = setting.resolve(load(read_named(path), name=path))
    except InvalidRequest as error:
        return _unreadable(path, error.message)
    except SpecSyntaxError as error:
        return FileCheck(path=path, diagnostics=error.diagnostics)
    examination = examine(document, positions=positions)
    blocked = tuple(setting.blocks(examination, positions))
    return FileCheck(
        path=path,
        diagnostics=(*examination.diagnostics, *blocked),
        blocked=blocked,
        examination=examination,
        document=document,
    )


def _specs_below(directory: Path, project: Project | None) -> Iterator[Path]:
    """Yield the spec files below ``directory``: nothing hidden, and nothing that is about specs and no spec."""
    for file in sorted(directory.rglob("*")):
        is_hidden = any(part.startswith(".") for part in file.relative_to(directory).parts)
        is_other = project is not None and project.owns(file)
        if file.suffix.lower() in SUFFIXES and file.is_file() and not is_hidden and not is_other:
            yield file


def _unreadable(path: str, message: str) -> FileCheck:
    return FileCheck(path=path, diagnostics=tuple(diagnose([Finding("E_FILE", (), message)])))
