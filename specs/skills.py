"""Reading skills: only inside the spec root, whatever links say, and only so much."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from kneo_project.errors import InvalidRequest
from specs.errors import SpecInvalid, SpecPathConfined
from specs.language.diagnostics import Finding, SpecSyntaxError, diagnose
from specs.language.skills import (
    MAIN_FILES,
    METADATA_FILES,
    Skill,
    front_matter,
    is_agent_skill,
    skill_in_directory,
    skill_in_file,
)
from specs.sources import confined_path, is_directory, read_text

MAX_CHARS = 200_000
MAX_CHARS_IN_ALL = 1_000_000
MOST_ENTRIES = 2_000
MOST_LEVELS = 16
CATALOG_FOLDERS = (".agents/skills", ".claude/skills")
CATALOG_LEVELS = 4


def read_skills(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the stored form of every skill that ``document`` declares, in order; what is no declaration is left out.

    Raises:
        SpecPathConfined: a skill, or a link in one, lies outside the spec root.
        SpecInvalid: a skill is missing or cannot be read; with a diagnostic for each.
    """
    read: dict[str, dict[str, Any]] = {}
    findings: list[Finding] = []
    for name, source in _declared(document):
        try:
            read[name] = read_skill(source).frozen()
        except InvalidRequest as error:
            message = f"Skill {name!r} cannot be read: {error.message}"
            findings.append(Finding("E_SKILL_SOURCE", ("skills", name, "source"), message))
    if sum(len(skill["instructions"]) for skill in read.values()) > MAX_CHARS_IN_ALL:
        message = f"The skills of a spec have at most {MAX_CHARS_IN_ALL:,} characters of instructions in all."
        findings.append(Finding("E_SKILL_SOURCE", ("skills",), message))
    if findings:
        raise SpecInvalid.because(diagnose(findings))
    return read


def read_skill(source: str) -> Skill:
    """Return the skill at ``source``, a file or a directory relative to the working directory.

    Raises:
        SpecPathConfined: it, or anything that it contains or links to, lies outside the spec root.
        InvalidRequest: there is none, or it is too large.
    """
    path = confined_path(source)
    if not is_directory(path):
        return skill_in_file(_text(path))
    files = dict(_Walk(settings.SPEC_ROOT, MOST_LEVELS).files(path))
    texts = {name: _text(files[name]) for name in (*MAIN_FILES, *METADATA_FILES) if name in files}
    skill = skill_in_directory(path.name, texts, files)
    if skill is None:
        raise InvalidRequest(f"the directory has none of {', '.join(MAIN_FILES)}.")
    return skill


def catalog() -> list[dict[str, str]]:
    """Return the Agent Skills below the usual folders of the spec root and of the service's home, by name.

    What leads out of its folder is left out, and so is what is no Agent Skill.
    """
    found: dict[str, dict[str, str]] = {}
    for root in (settings.SPEC_ROOT, _home()):
        for folder in CATALOG_FOLDERS:
            for skill in _listed(root, root / folder):
                found.setdefault(f"{root}/{skill['path']}", skill)
    return sorted(found.values(), key=lambda skill: (skill["name"], skill["path"]))


def _declared(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    declared = document.get("skills")
    for name, block in declared.items() if isinstance(declared, Mapping) else ():
        source = block.get("source") if isinstance(block, Mapping) else None
        if isinstance(source, str):
            yield name, source


def _text(path: Path) -> str:
    try:
        text = read_text(path)
    except SpecSyntaxError as error:
        raise InvalidRequest(error.diagnostics[0].message) from None
    except InvalidRequest:
        raise InvalidRequest("there is no such file or directory.") from None
    if len(text) > MAX_CHARS or "\0" in text:
        raise InvalidRequest(f"a file of a skill is text of at most {MAX_CHARS:,} characters.")
    return text


class _Walk:
    """Goes through directories, links included, as long as they stay below ``root``.

    What leads elsewhere, or nowhere, ends the walk; one that ``skips`` goes past it.
    """

    def __init__(self, root: Path, levels: int, *, skips: bool = False) -> None:
        self._root = root
        self._levels = levels
        self._skips = skips
        self._left = MOST_ENTRIES
        self._seen: set[Path] = set()

    def files(self, directory: Path, prefix: str = "", level: int = 0) -> Iterator[tuple[str, Path]]:
        """Yield each file below ``directory``: its path relative to it, and where it really is."""
        if directory in self._seen:
            return
        self._seen.add(directory)
        if level > self._levels:
            if self._skips:
                return
            raise InvalidRequest(f"a skill has at most {self._levels} levels of folders.")
        for entry in self._entries(directory):
            real = self._followed(entry)
            if real is None:
                continue
            if is_directory(real):
                yield from self.files(real, f"{prefix}{entry.name}/", level + 1)
            elif real.is_file():
                yield f"{prefix}{entry.name}", real

    def _entries(self, directory: Path) -> list[Path]:
        """Return what is in ``directory``, by name; counted while it is read, as it may hold millions."""
        found = []
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if self._left == 0:
                        raise InvalidRequest(f"a skill has at most {MOST_ENTRIES:,} files and folders.")
                    self._left -= 1
                    found.append(directory / entry.name)
        except OSError:
            if not self._skips:
                raise InvalidRequest("one of its folders cannot be read.") from None
        return sorted(found)

    def _followed(self, entry: Path) -> Path | None:
        try:
            real = entry.resolve(strict=True)
        except (OSError, RuntimeError):
            if self._skips:
                return None
            raise InvalidRequest(f"the link {entry.name!r} in it leads nowhere.") from None
        if real.is_relative_to(self._root):
            return real
        if self._skips:
            return None
        raise SpecPathConfined


def _home() -> Path:
    return Path.home().resolve()


def _listed(root: Path, folder: Path) -> Iterator[dict[str, str]]:
    """Yield the Agent Skills below ``folder``; whatever cannot be read says nothing."""
    real = folder.resolve()
    if not (real.is_relative_to(root) and is_directory(real)):
        return
    try:
        files = dict(_Walk(root, CATALOG_LEVELS, skips=True).files(real))
    except InvalidRequest:
        return
    for name, path in files.items():
        directory, _, file = f"{folder.relative_to(root)}/{name}".rpartition("/")
        if file != MAIN_FILES[0]:
            continue
        try:
            front = front_matter(_text(path))
        except InvalidRequest:
            continue
        if front is not None and is_agent_skill(front.fields, directory.rpartition("/")[2]):
            yield {"name": front.fields["name"], "description": front.fields["description"], "path": directory}
