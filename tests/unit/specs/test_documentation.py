"""The page about the format shows specs that work and names every code."""

import re
from pathlib import Path

import pytest

from specs.language.checking import check
from specs.language.codes import MEANINGS
from specs.language.compiling import compile_plan
from specs.language.parsing import load
from specs.language.plan import Shape, StepKind

PAGE = (Path(__file__).parents[3] / "docs" / "spec-format.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
CODES = re.findall(r"^\| `([EWI]_\w+)` \| (.*) \|$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_the_page_is_a_spec_without_remarks_that_runs(block: str) -> None:
    document = load(block, name="page.yaml")

    assert check(document.data) == []
    assert compile_plan(document.data).agent.name


def test_the_page_has_a_block_for_every_part() -> None:
    assert len(BLOCKS) == 13


def test_the_page_lists_every_code_with_its_meaning() -> None:
    assert dict(CODES) == dict(MEANINGS)


def test_the_page_names_what_runs() -> None:
    for word in [*Shape, *StepKind]:
        assert f"`{word}`" in PAGE or f": {word}`" in PAGE
