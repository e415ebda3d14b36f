"""What is in a skill: the text of its main file, read as an Agent Skill or, if it is none, taken as it stands."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from specs.language.diagnostics import SpecSyntaxError
from specs.language.parsing import load

MAIN_FILES = ("SKILL.md", "skill.md", "README.md")
METADATA_FILES = ("skill.yaml", "skill.yml", "skill.json")
RESOURCE_FOLDERS = ("references", "scripts", "assets")
FENCE = "---"
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Packaged instructions as a run is frozen with them.

    ``defaults`` are those of agents that have the skill, ``allowed_tools`` the tools it speaks of, ``resources`` the
    names of its other files.
    """

    instructions: str
    description: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    allowed_tools: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    resources: tuple[str, ...] = ()

    def frozen(self) -> dict[str, Any]:
        """Return its stored form."""
        return {
            "instructions": self.instructions,
            "description": self.description,
            "defaults": dict(self.defaults),
            "allowed_tools": self.allowed_tools,
            "metadata": dict(self.metadata),
            "resources": list(self.resources),
        }


def skill_in_file(text: str) -> Skill:
    """Return the skill that consists of one file: all of ``text`` are its instructions."""
    return Skill(instructions=text.strip())


def skill_in_directory(name: str, texts: Mapping[str, str], files: Iterable[str]) -> Skill | None:
    """Return the skill in the directory ``name``, or None when it has no main file.

    Args:
        name: of the directory.
        texts: the text of each of ``MAIN_FILES`` and ``METADATA_FILES`` that there is.
        files: the relative paths of all files.
    """
    others = [path for path in files if path not in MAIN_FILES]
    front = front_matter(texts.get(MAIN_FILES[0], ""))
    if front is not None and is_agent_skill(front.fields, name):
        kept = tuple(path for path in others if path.partition("/")[0] in RESOURCE_FOLDERS)
        return _agent_skill(front, kept)
    main = next((texts[file] for file in MAIN_FILES if file in texts), None)
    if main is None:
        return None
    metadata = next((_metadata(file, texts[file]) for file in METADATA_FILES if file in texts), {})
    kept = tuple(path for path in others if path not in METADATA_FILES)
    return Skill(instructions=main.strip(), metadata=metadata, resources=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """A document in two parts: fields between two lines of dashes, and the text below."""

    fields: Mapping[str, Any]
    body: str


def front_matter(text: str) -> FrontMatter | None:
    """Return the two parts of ``text``, or None when it has no readable front matter."""
    first, _, rest = text.partition("\n")
    head, fence, body = rest.partition(f"\n{FENCE}")
    if first.strip() != FENCE or not fence or body[:1] not in {"", "\n", "\r"}:
        return None
    try:
        return FrontMatter(fields=load(head, name="front matter").data, body=body.strip())
    except SpecSyntaxError:
        return None


def is_agent_skill(fields: Mapping[str, Any], directory: str) -> bool:
    """Return whether ``fields`` are the front matter of an Agent Skill in ``directory`` (agentskills.io)."""
    name, description = fields.get("name"), fields.get("description")
    return (
        isinstance(name, str)
        and name == directory
        and len(name) <= LONGEST_NAME
        and NAME.fullmatch(name) is not None
        and isinstance(description, str)
        and 0 < len(description) <= LONGEST_DESCRIPTION
    )


def _agent_skill(front: FrontMatter, resources: tuple[str, ...]) -> Skill:
    fields = front.fields
    defaults, metadata, tools = (fields.get(key) for key in ("defaults", "metadata", "allowed-tools"))
    return Skill(
        instructions=front.body,
        description=fields["description"],
        defaults=defaults if isinstance(defaults, dict) else {},
        allowed_tools=tools if isinstance(tools, str) else None,
        metadata=metadata if isinstance(metadata, dict) else {},
        resources=resources,
    )


def _metadata(file: str, text: str) -> Mapping[str, Any]:
    try:
        return load(text, name=file).data
    except SpecSyntaxError:
        return {}
