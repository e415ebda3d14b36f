"""The page about the format shows specs that work and names every code."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from specs.language.agent_plan import AppendMode, GuardrailAction, GuardrailType, MemoryPolicy, Stage
from specs.language.checking import check
from specs.language.codes import MEANINGS
from specs.language.compiling import compile_plan
from specs.language.parsing import load
from specs.language.plan import Shape, StepKind
from specs.language.project import Retention
from specs.language.schema import Spec
from specs.language.schema.agents import AgentSpec
from specs.language.schema.components import HumanSpec

ROOT = Path(__file__).parents[3]
README, FORMAT, GENERATED = ROOT / "README.md", ROOT / "docs" / "spec-format.md", ROOT / "docs" / "diagnostics.md"
CHECKED_ELSEWHERE = {
    ROOT / "docs" / name for name in ("api.md", "quickstart.md", "tutorials/approval.md", "tutorials/agent.md")
}
OPERATIONS = ROOT / "docs" / "operations.md"
OTHER_PAGES = sorted({*(ROOT / "docs").rglob("*.md")} - {FORMAT, GENERATED, OPERATIONS, *CHECKED_ELSEWHERE})
PAGE = FORMAT.read_text()
BLOCK = re.compile(r"^```yaml\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
BLOCKS = BLOCK.findall(PAGE)
CODES = re.findall(r"^\| `([EWI]_\w+)` \| (.*) \|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("block", [*BLOCKS, *BLOCK.findall(README.read_text())])
def test_a_block_of_the_page_is_a_spec_without_remarks_that_runs(block: str) -> None:
    document = load(block, name="page.yaml")

    assert check(document.data) == []
    assert compile_plan(document.data).agent.name


def test_the_page_shows_every_part_of_the_language() -> None:
    documents = [load(block, name="page.yaml").data for block in BLOCKS]
    agents = [agent for data in documents for agent in (data.get("agent", {}), *_components(data, "agents"))]

    assert {key for data in documents for key in data} >= {*Spec.model_fields} - {"metadata", "policies"}
    assert {key for agent in agents for key in agent} >= {*AgentSpec.model_fields} - {"history", "middleware"}
    assert {key for data in documents for human in _components(data, "humans") for key in human} == {
        *HumanSpec.model_fields
    }


def _components(data: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [*data.get("components", {}).get(kind, {}).values()]


@pytest.mark.parametrize("page", OTHER_PAGES, ids=lambda page: page.name)
def test_no_other_page_has_a_block_that_nobody_checks(page: Path) -> None:
    assert "```yaml" not in page.read_text()


def test_the_page_for_operators_shows_every_window() -> None:
    (block,) = BLOCK.findall(OPERATIONS.read_text())
    stated = load(block, name="config.yaml").data["retention"]
    shown = Retention.model_validate(stated).stated()
    assert shown == stated
    assert {name.removesuffix("_days") for name in shown} == set(settings.RETENTION_DAYS)


def test_the_page_lists_every_code_with_its_meaning() -> None:
    assert dict(CODES) == dict(MEANINGS)


def test_the_page_names_what_runs() -> None:
    for word in [*Shape, *StepKind, *GuardrailType, *GuardrailAction, *Stage, *MemoryPolicy, *AppendMode]:
        assert f"`{word}`" in PAGE or f": {word}`" in PAGE
