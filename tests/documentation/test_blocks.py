"""Every block of code is tried by some test; the few that are not have an excuse, and hide nothing behind it."""

import re
import subprocess
from importlib.util import find_spec

import pytest

from tests.documentation.accounting import (
    EXCUSED,
    OUTPUT,
    SHELL,
    SPEC,
    excuse_of,
    lines_of,
    taken,
)
from tests.documentation.pages import NAMES, ROOT, Block, all_blocks, text_of

SHELL_BLOCKS = [block for block in all_blocks() if block.language == SHELL]
EXCUSED_BLOCKS = [block for block in SHELL_BLOCKS if excuse_of(block)]
TRIED_ANYWAY = {SHELL, SPEC, OUTPUT}
COMMAND = re.compile(r"^\s*(\$ |kneo |make |curl |docker |kubectl |pip |python|cosign |export |git |\./)", re.MULTILINE)
# The synopses of commands: made from the code.
OF_SYNOPSES = "reference/commands.md"


def test_every_block_is_tried_by_somebody() -> None:
    shown = {(block.page, block.language) for block in all_blocks()}
    untried = {(page, language) for page, language in shown - taken() if language not in TRIED_ANYWAY}
    assert untried == set(), "no test takes these"
    assert taken() - shown == set(), "tests take blocks that are not there"


@pytest.mark.parametrize("page", NAMES)
def test_no_block_is_written_so_that_it_is_overlooked(page: str) -> None:
    fences = re.findall(r"^\s*(?:```|~~~)", text_of(page), flags=re.MULTILINE)
    assert len(fences) == 2 * len([block for block in all_blocks() if block.page == page])


@pytest.mark.parametrize("block", [block for block in all_blocks() if block.language == OUTPUT], ids=str)
def test_what_is_shown_as_output_is_no_command(block: Block) -> None:
    assert block.page == OF_SYNOPSES or not COMMAND.search(block.text)


def test_every_excuse_is_for_one_block() -> None:
    excused = [
        (block.page, start) for block in EXCUSED_BLOCKS for page, start in EXCUSED if block.text.startswith(start)
    ]
    assert sorted(excused) == sorted(EXCUSED)
    assert not {(block.page, SHELL) for block in EXCUSED_BLOCKS} & taken()


@pytest.mark.parametrize("block", EXCUSED_BLOCKS, ids=str)
def test_an_excused_block_hides_nothing_that_could_be_tried(block: Block) -> None:
    excuse = excuse_of(block)
    assert excuse
    programs = {re.match(r"[A-Z]+=|\S+", line)[0] for line in lines_of(block)}  # type: ignore[index]
    assert programs <= excuse.programs
    named = re.findall(r"\b(?:docker|tests)/[\w./-]+", block.text)
    assert [file for file in named if not _is_there(file)] == []
    modules = re.findall(r"-m ([\w.]+)", block.text)
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=str)
def test_a_shell_can_read_it(block: Block) -> None:
    read = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


def _is_there(file: str) -> bool:
    # What the reader makes as a copy of something.
    made = {"docker/production.env": "docker/production.env.example", "overlays/mine": "overlays/example"}
    for copy, original in made.items():
        file = file if file.endswith(".example") else file.replace(copy, original)
    return (ROOT / file).exists()
