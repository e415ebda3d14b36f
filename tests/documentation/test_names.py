"""What the pages name is there: variables, metrics, commands, error codes."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.documentation.pages import BESIDE, DOCS, text_of

PAGES = sorted(DOCS.glob("*.md")) + sorted(DOCS.glob("tutorials/*.md")) + [DOCS.parent / "README.md"]
# What speaks of the published system names what that has.
OF_OTHERS = {"differences.md", "migrating.md"}
OURS = [page for page in PAGES if page.name not in OF_OTHERS]


def rows(*pages: str) -> set[str]:
    """Return the names in the first cells of the tables of ``pages``."""
    cells = [re.findall(r"^\| (`[^|]+`)", (DOCS / page).read_text(), flags=re.MULTILINE) for page in pages]
    return {name for found in cells for cell in found for name in re.findall(r"`(\w+)`", cell)}


PACKAGES = ("kneo_project", "runs", "specs", "humantasks")
SOURCES = [path.read_text() for package in PACKAGES for path in (DOCS.parent / package).rglob("*.py")]
VARIABLES = {name for text in SOURCES for name in re.findall(r"\bKNEO_SERV_[A-Z0-9_]+", text)}
METRICS = rows("reference/metrics.md")
COMMANDS = set(re.findall(r"^##+ kneo (.+)$", (DOCS / "reference" / "commands.md").read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_a_variable_that_a_page_names_is_read(page: Path) -> None:
    named = set(re.findall(r"\bKNEO_SERV_[A-Z0-9_]+\b(?!_)", page.read_text()))
    assert {name.removesuffix("_FILE") for name in named if not name.endswith("_")} - VARIABLES - {
        "KNEO_SERV_URL"
    } == set()


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_a_metric_that_a_page_names_is_measured(page: Path) -> None:
    prefixes = (
        "kneo_queue",
        "kneo_runs",
        "kneo_worker",
        "kneo_human",
        "kneo_statistics",
        "kneo_retention",
        "kneo_cost",
    )
    named = {name for name in re.findall(r"\bkneo_[a-z_]+\b", page.read_text()) if name.startswith(prefixes)}
    assert named - METRICS == set()


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_a_command_that_a_page_shows_exists(page: Path) -> None:
    shown = re.findall(
        r"(?:^|`)kneo ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+(?:-[a-z]+)*))?", page.read_text(), flags=re.MULTILINE
    )
    groups = {command.partition(" ")[0] for command in COMMANDS if " " in command}
    for first, second in shown:
        assert first in COMMANDS
        assert not (first in groups and second) or f"{first} {second}" in COMMANDS


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_a_management_command_that_a_page_names_exists(page: Path) -> None:
    assert set(re.findall(r"kneo manage ([a-z_]+)", page.read_text())) - {"help", *get_commands()} == set()
    assert "`manage.py" not in page.read_text(), "a wheel has none: it is kneo manage"


@pytest.mark.parametrize("page", BESIDE)
def test_a_link_of_a_page_beside_the_others_leads_somewhere(page: str) -> None:
    links = re.findall(r"""\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)\"""", text_of(page))
    inside = [link for pair in links for link in pair if link and not link.startswith("http")]
    for link in inside:
        file, _, anchor = link.partition("#")
        assert (DOCS.parent / file).exists(), link
        headings = re.findall(r"^#+ (.+)$", (DOCS.parent / file).read_text(), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_first_page_leads_to_an_answer_for_everybody() -> None:
    asked = re.findall(r"^\| ([a-z -]+) \| \[", (DOCS / "index.md").read_text(), flags=re.MULTILINE)
    wanted = (
        "try",
        "write a spec",
        "deploy",
        "watch",
        "scale",
        "upgrade",
        "restore",
        "secure",
        "published",
        "contribute",
    )
    assert [want for want in wanted if not any(want in question for question in asked)] == []


def test_every_page_can_be_reached() -> None:
    nav = (DOCS.parent / "mkdocs.yml").read_text()
    written = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page.parent.name != "adr"}
    assert {page for page in written if page not in nav} == set()
