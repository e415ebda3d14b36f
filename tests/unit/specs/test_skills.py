"""Skills: what is read of them, how far it is looked for, and what a spec is frozen with."""

import os
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_django import Settings

from kneo_project.errors import InvalidRequest
from specs.errors import SpecInvalid, SpecPathConfined
from specs.services import FrozenSpec, SkillsOverlay, SpecSource, freeze
from specs.skills import catalog, read_skill
from tests.unit.specs.factories import document

AGENT_SKILL = """---
name: triage
description: How to sort patients
allowed-tools: lookup
defaults: {temperature: 0.2}
---
Do triage well.
"""


@pytest.fixture
def root(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the spec root, which is the working directory; ``outside`` lies beside it."""
    directory = tmp_path.resolve() / "root"
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.md").write_text("secret")
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings.SPEC_ROOT = directory
    return directory


def skill(root: Path, main: str = AGENT_SKILL, name: str = "triage", file: str = "SKILL.md") -> Path:
    """Make a skill and return its directory."""
    directory = root / name
    directory.mkdir(parents=True)
    (directory / file).write_text(main)
    return directory


def frozen(*, source: str = "triage", **changes: Any) -> FrozenSpec:
    spec = document(agent={"name": "r", "system_prompt": "SYS", "skills": ["s"]}, skills={"s": {"source": source}})
    return freeze(SpecSource(spec=spec, **changes), allowed_functions=None)


def test_an_agent_skill_is_its_text_and_its_front_matter(root: Path) -> None:
    directory = skill(root)
    (directory / "references").mkdir()
    (directory / "references" / "scale.md").write_text("1 to 5")
    (directory / "notes.txt").write_text("not a resource")

    read = read_skill("triage")

    assert read.instructions == "Do triage well."
    assert (read.description, read.allowed_tools, read.defaults) == (
        "How to sort patients",
        "lookup",
        {"temperature": 0.2},
    )
    assert read.resources == ("references/scale.md",)


@pytest.mark.parametrize(
    "main",
    [
        "Just text.",
        "---\nname: Triage\ndescription: d\n---\nx",
        "---\nname: other\ndescription: d\n---\nx",
        "---\nname: triage\n---\nx",
        "---\nname: [triage\n---\nx",
        "---\nname: triage\ndescription: d",
        "---\nname: triage\ndescription: d\n---x",
    ],
)
def test_what_is_no_agent_skill_is_taken_as_it_stands(root: Path, main: str) -> None:
    skill(root, main)

    assert read_skill("triage").instructions == main


def test_a_directory_may_have_a_readme_and_metadata_instead(root: Path) -> None:
    directory = skill(root, "Read me.", file="README.md")
    (directory / "skill.yaml").write_text("owner: ops")
    (directory / "more.txt").write_text("x")

    read = read_skill("triage")

    assert (read.instructions, read.metadata, read.resources) == ("Read me.", {"owner": "ops"}, ("more.txt",))


def test_a_file_is_its_whole_text(root: Path) -> None:
    (root / "house.md").write_text("Rule one.\n")

    assert read_skill("house.md").instructions == "Rule one."


def test_a_spec_is_frozen_with_its_skills_and_forgets_the_files(root: Path) -> None:
    directory = skill(root)
    before = frozen()

    assert before.plan.agent.system_prompt == "SYS\n\nDo triage well."
    assert str(root) not in str(before.content)
    (directory / "SKILL.md").write_text("Changed.")
    after = frozen()
    assert after.plan.agent.system_prompt == "SYS\n\nChanged."
    assert before.digest != after.digest


def test_a_spec_without_skills_is_frozen_as_ever(root: Path) -> None:
    assert "skills" not in freeze(SpecSource(spec=document()), allowed_functions=None).content


def refusal(root: Path, source: str = "triage") -> dict[str, Any]:
    with pytest.raises(SpecInvalid) as caught:
        frozen(source=source)
    (found,) = diagnostics(caught.value)
    assert str(root) not in found["message"]
    return found


def diagnostics(error: SpecInvalid) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", error.data["diagnostics"])


@pytest.mark.parametrize("source", ["missing", "missing.md", "empty", "pipe", "picture.md", "huge.md"])
def test_a_skill_that_cannot_be_read_is_an_error_of_the_spec(root: Path, source: str) -> None:
    (root / "empty").mkdir()
    os.mkfifo(root / "pipe")
    (root / "picture.md").write_bytes(b"\x89PNG\xff")
    (root / "huge.md").write_text("x" * 200_001)

    found = refusal(root, source)

    assert (found["code"], found["path"]) == ("E_SKILL_SOURCE", "skills.s.source")


def test_errors_of_the_spec_come_before_its_skills(root: Path) -> None:
    spec = document(agent={"name": "r", "skills": ["ghost"]}, skills={"s": {"source": "missing"}})

    with pytest.raises(SpecInvalid) as caught:
        freeze(SpecSource(spec=spec), allowed_functions=None)
    assert [found["code"] for found in diagnostics(caught.value)] == ["E_SKILL_REF"]


def test_a_skill_outside_the_root_is_confined(root: Path) -> None:
    with pytest.raises(SpecPathConfined):
        frozen(source=str(root.parent / "outside"))


@pytest.mark.parametrize("target", ["../../outside", "../../outside/secret.md", "/etc/passwd"])
def test_nothing_in_a_skill_may_lead_outside(root: Path, target: str) -> None:
    (skill(root) / "loop").symlink_to(target)

    with pytest.raises(SpecPathConfined):
        frozen()


@pytest.mark.parametrize("target", ["loop", "nowhere"])
def test_a_link_in_a_skill_that_leads_nowhere_is_an_error_of_the_spec(root: Path, target: str) -> None:
    (skill(root) / "loop").symlink_to(target)

    assert "'loop' in it leads nowhere" in refusal(root)["message"]


def test_links_within_the_root_are_followed_once(root: Path) -> None:
    directory = skill(root, "Text.")
    (root / "shared").mkdir()
    (root / "shared" / "a.txt").write_text("a")
    (directory / "more").symlink_to(root / "shared")
    (directory / "again").symlink_to(directory)

    assert set(read_skill("triage").resources) == {"more/a.txt"}


def test_a_skill_of_too_many_files_or_levels_is_refused(root: Path) -> None:
    directory = skill(root, "Text.")
    deep = directory
    for _ in range(17):
        deep = deep / "d"
    deep.mkdir(parents=True)
    assert "levels" in refusal(root)["message"]

    wide = skill(root, "Text.", "wide")
    for number in range(2_001):
        (wide / f"{number}.txt").touch()
    with pytest.raises(InvalidRequest, match="at most 2,000"):
        read_skill("wide")


def test_a_run_may_add_and_disable_declared_skills_of_the_root_agent(root: Path) -> None:
    skill(root, "One.", "one")
    skill(root, "Two.", "two")
    declared = {"one": {"source": "one"}, "two": {"source": "two"}}
    spec = document(agent={"name": "r", "skills": ["one"]}, skills=declared)
    chosen = SkillsOverlay(add=("two",), disable=("one",))

    plan = freeze(SpecSource(spec=spec, skills=chosen), allowed_functions=None).plan

    assert plan.agent.system_prompt == "Two."


@pytest.mark.parametrize("choice", [SkillsOverlay(add=("ghost",)), SkillsOverlay(disable=("ghost",))])
def test_only_declared_skills_can_be_chosen(root: Path, choice: SkillsOverlay) -> None:
    with pytest.raises(InvalidRequest, match="declares no skill 'ghost'"):
        freeze(SpecSource(spec=document(), skills=choice), allowed_functions=None)


def test_the_catalog_lists_agent_skills_in_the_usual_folders(root: Path) -> None:
    skill(root / ".agents" / "skills")
    skill(root / ".claude" / "skills", "No front matter.", "plain")
    skill(root / ".claude" / "skills" / "group", AGENT_SKILL.replace("triage", "deep"), "deep")
    skill(root.parent / "home" / ".agents" / "skills", AGENT_SKILL.replace("triage", "homely"), "homely")

    assert catalog() == [
        {"name": "deep", "description": "How to sort patients", "path": ".claude/skills/group/deep"},
        {"name": "homely", "description": "How to sort patients", "path": ".agents/skills/homely"},
        {"name": "triage", "description": "How to sort patients", "path": ".agents/skills/triage"},
    ]


@pytest.mark.parametrize("target", ["../../../outside", "loop", "nowhere"])
def test_the_catalog_goes_past_links_that_lead_outside_or_nowhere(root: Path, target: str) -> None:
    skill(root / ".agents" / "skills")
    (root / ".agents" / "skills" / "loop").symlink_to(target)

    assert [found["name"] for found in catalog()] == ["triage"]


def test_a_catalog_folder_that_lies_outside_lists_nothing(root: Path) -> None:
    skill(root.parent / "outside" / "skills")
    (root / ".agents").symlink_to(root.parent / "outside")

    assert catalog() == []


@pytest.mark.parametrize(
    ("allowed", "kept"),
    [
        ("lookup", ("lookup",)),
        ("lookup Bash(git:* add) pay, refund", ("lookup", "pay")),
        ("Read(lookup)", ()),
        (None, ("lookup", "pay", "mail")),
    ],
)
def test_the_allowed_tools_of_a_skill_bound_those_of_its_agent(
    root: Path, allowed: str | None, kept: tuple[str, ...]
) -> None:
    line = "" if allowed is None else f"allowed-tools: {allowed}\n"
    skill(root, f"---\nname: triage\ndescription: d\n{line}---\nSort.\n")
    tools = {name: {"description": "d", "implementation": "acme.f.g"} for name in ("lookup", "pay", "mail")}
    agent = {"name": "r", "skills": ["s"], "tools": [*tools]}
    spec = document(agent=agent, tools=tools, skills={"s": {"source": "triage"}})

    assert freeze(SpecSource(spec=spec), allowed_functions=None).plan.agent.tools == kept


def test_each_of_several_skills_lets_its_tools_be_used(root: Path) -> None:
    for name, allowed in (("one", "lookup"), ("two", "pay")):
        skill(root, f"---\nname: {name}\ndescription: d\nallowed-tools: {allowed}\n---\nDo.\n", name)
    skill(root, "No bound.", "three")
    tools = {name: {"description": "d", "implementation": "acme.f.g"} for name in ("lookup", "pay", "mail")}
    agent = {"name": "r", "skills": ["one", "two", "three"], "tools": [*tools]}
    spec = document(agent=agent, tools=tools, skills={name: {"source": name} for name in ("one", "two", "three")})

    assert freeze(SpecSource(spec=spec), allowed_functions=None).plan.agent.tools == ("lookup", "pay")
