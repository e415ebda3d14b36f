"""The pages show specs that work, and the page about the format names every part of the language and every code."""

import re
from collections.abc import Mapping
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
from tests.documentation.accounting import SPEC, taken
from tests.documentation.pages import Block, all_blocks, blocks, text_of

FORMAT = "spec-format.md"
PAGE = text_of(FORMAT)
BLOCKS = blocks("spec-format.md", "yaml")
# Made from files that provoke each code, which other tests do.
GENERATED = "diagnostics.md"
SPECS = [
    block
    for block in all_blocks()
    if block.language == SPEC
    and block.page != GENERATED
    and ((block.page, SPEC) not in taken() or block.page == FORMAT)
]
CODES = re.findall(r"^\| `([EWI]_\w+)` \| (.*) \|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("block", SPECS, ids=str)
def test_a_block_of_a_page_is_a_spec_without_remarks_that_runs(block: Block) -> None:
    document = load(block.text, name="page.yaml")

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


def test_the_page_for_operators_shows_every_window() -> None:
    (block,) = blocks("operations.md", "yaml")
    stated = load(block, name="config.yaml").data["retention"]
    shown = Retention.model_validate(stated).stated()
    assert shown == stated
    assert {name.removesuffix("_days") for name in shown} == set(settings.RETENTION_DAYS)


def test_the_page_lists_every_code_with_its_meaning() -> None:
    assert dict(CODES) == dict(MEANINGS)


def test_the_page_names_what_runs() -> None:
    for word in [*Shape, *StepKind, *GuardrailType, *GuardrailAction, *Stage, *MemoryPolicy, *AppendMode]:
        assert f"`{word}`" in PAGE or f": {word}`" in PAGE
