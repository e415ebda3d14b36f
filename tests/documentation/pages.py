"""The pages of the documentation, and the blocks of code in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# The pages beside docs/ that show code: as links in docs/ would name them.
BESIDE = ("../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../CHANGELOG.md")
NAMES = (*sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")), *BESIDE)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code: the page it is on, as a link from docs/ names it, its language, and its text."""

    page: str
    language: str
    text: str

    @property
    def first_line(self) -> str:
        """Return the line it begins with."""
        return self.text.partition("\n")[0]

    def __str__(self) -> str:
        """Name it, as tests are named."""
        return f"{self.page}: {self.first_line}"


def text_of(page: str) -> str:
    """Return what is written on a page."""
    return (DOCS / page).read_text()


def blocks_of(page: str) -> list[Block]:
    """Return every block of a page."""
    return [Block(page=page, language=language, text=text) for language, text in _BLOCK.findall(text_of(page))]


def blocks(page: str, language: str) -> list[str]:
    """Return the texts of the blocks of ``page`` in ``language``."""
    return [block.text for block in blocks_of(page) if block.language == language]


def all_blocks() -> list[Block]:
    """Return every block of every page."""
    return [block for page in NAMES for block in blocks_of(page)]
