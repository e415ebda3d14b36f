"""Who tries which block: nothing that is shown as code goes untried, unless a reason stands here.

A test that tries the blocks of a page in a language takes them by ``blocks(page, language)``, and so all of them.
Shell commands that no such test takes are run in ``tests/acceptance/test_pages.py``, page by page, on a live service.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.documentation.pages import ROOT, Block, all_blocks

SHELL = "sh"
OUTPUT = "text"  # what somebody reads: no test could run it
SPEC = "yaml"  # compiled by tests/unit/specs/test_documentation.py, unless another test takes them
_TAKEN = re.compile(r'\bblocks\("([^"]+)", "(\w+)"\)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """Why a block is not run here; its commands are of these programs, and it hides no other."""

    why: str
    programs: frozenset[str]


CONTAINERS = Excuse(why="needs a container engine", programs=frozenset({"cp", "docker"}))
CLUSTER = Excuse(why="needs a cluster", programs=frozenset({"kubectl"}))
RELEASE = Excuse(why="needs a release that somebody has signed", programs=frozenset({"IMAGE=", "set", "cosign"}))
MEASURES = Excuse(why="measures for minutes", programs=frozenset({"make", ".venv/bin/python"}))
OF_SOMEBODY = Excuse(why="needs the PostgreSQL of a published kneo-serv", programs=frozenset({"kneo"}))
OF_NOBODY = Excuse(why="needs a PostgreSQL that nobody uses: test_partitions.py does it", programs=frozenset({"kneo"}))

# By the page, and how the block begins.
EXCUSED = {
    ("deploy.md", "cp docker/production.env.example "): CONTAINERS,
    ("deploy.md", "kubectl create secret "): CLUSTER,
    ("deploy.md", "IMAGE=ghcr.io/OWNER/"): RELEASE,
    ("telemetry.md", "docker compose "): CONTAINERS,
    ("benchmarks.md", "make bench "): MEASURES,
    ("migrating.md", "kneo manage import_kneo_serv postgresql://"): OF_SOMEBODY,
    ("scaling.md", "kneo manage backup FILE "): OF_NOBODY,
}


def taken() -> set[tuple[str, str]]:
    """Return the pages and languages whose blocks a test takes."""
    sources = (path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    return {found for source in sources for found in _TAKEN.findall(source)}


def excuse_of(block: Block) -> Excuse | None:
    """Return why ``block`` is not run; None where it has to be."""
    fitting = (
        excuse for (page, start), excuse in EXCUSED.items() if page == block.page and block.text.startswith(start)
    )
    return next(fitting, None)


def left_to_run() -> Iterator[Block]:
    """Yield the shell commands that no test takes, and that are not excused."""
    elsewhere = taken()
    for block in all_blocks():
        if block.language == SHELL and (block.page, SHELL) not in elsewhere and excuse_of(block) is None:
            yield block


def lines_of(block: Block) -> list[str]:
    """Return the command lines of a block: without remarks, with what was continued put together."""
    joined = block.text.replace("\\\n", " ")
    bare = (re.sub(r"(^|\s+)#.*", "", line).strip() for line in joined.splitlines())
    return [line for line in bare if line]
