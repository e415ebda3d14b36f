"""Validating spec files for the person at the keyboard, whose paths are not confined."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kneo_project.errors import InvalidRequest
from specs.language.checking import check
from specs.language.diagnostics import Diagnostic, Finding, SpecSyntaxError, diagnose
from specs.language.parsing import load
from specs.sources import read_text

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """What there is to say about one file."""

    path: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_valid(self) -> bool:
        """Whether the file holds a spec without errors."""
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)

    def as_dict(self) -> dict[str, Any]:
        """Return the public form of the verdict."""
        return {"valid": self.is_valid, "diagnostics": [diagnostic.as_dict() for diagnostic in self.diagnostics]}


def check_paths(paths: Iterable[str]) -> Iterator[FileCheck]:
    """Yield a verdict for each file and, sorted, for each spec file in or below each directory."""
    for path in paths:
        directory = Path(path)
        if not directory.is_dir():
            yield _check_file(path)
            continue
        found = sorted(file for file in directory.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        yield from (_check_file(str(file)) for file in found)
        if not found:
            yield _unreadable(path, "There is no YAML or JSON file in this directory.")


def _check_file(path: str) -> FileCheck:
    try:
        document = load(read_text(Path(path).resolve()), name=path)
    except InvalidRequest as error:
        return _unreadable(path, error.message)
    except SpecSyntaxError as error:
        return FileCheck(path=path, diagnostics=error.diagnostics)
    return FileCheck(path=path, diagnostics=tuple(check(document.data, positions=document.positions)))


def _unreadable(path: str, message: str) -> FileCheck:
    return FileCheck(path=path, diagnostics=tuple(diagnose([Finding("E_FILE", (), message)])))
