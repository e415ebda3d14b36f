"""docs/environment.md: every variable of the settings, as the code has it; and what became of the published ones."""

import re

import pytest

from kneo_project.variables import NOT_READ, OF_COMMAND_LINE, RENAMED
from tests.environment_page import PAGE, ROOT, ROW, page, variables
from tests.published_variables import PUBLISHED

ROWS = [row for line in PAGE.read_text().splitlines() if (row := ROW.match(line))]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.environment_page"


def test_the_page_names_every_variable_once_and_says_what_it_is() -> None:
    assert sorted(row[1] for row in ROWS) == sorted(variables())
    assert not [row[1] for row in ROWS if row[2].endswith("?")]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_variable_is_read_or_its_absence_is_explained(name: str) -> None:
    is_read = name in variables() or name in OF_COMMAND_LINE or name in RENAMED or _is_read_by_both(name)
    if is_read:
        assert name not in NOT_READ
        return
    assert name in NOT_READ
    assert f"`{name}`" in (ROOT / "docs/differences.md").read_text()


@pytest.mark.parametrize("name", sorted(OF_COMMAND_LINE))
def test_a_variable_of_the_command_line_is_read_there_and_documented(name: str) -> None:
    sources = (
        path.read_text() for place in ("kneo_project", "specs", "runs") for path in (ROOT / place).rglob("cli/*.py")
    )
    assert any(f'"{name}"' in source for source in sources)
    pages = ((ROOT / "docs" / page).read_text() for page in ("cli.md", "spec-format.md"))
    assert any(f"`{name}`" in text for text in pages)


def _is_read_by_both(name: str) -> bool:
    """Return whether the command line and the workers read it: it tells them the project."""
    return bool(re.search(rf"`{name}`", (ROOT / "docs/cli.md").read_text())) and not name.startswith("KNEO_SERV_")
