"""docs/environment.md: every variable of the settings, with its default, and no other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROWS = re.findall(r"^\| `(KNEO_SERV_\w+)` \| (.+?) \| .+ \|$", (ROOT / "docs/environment.md").read_text(), re.MULTILINE)
READ = re.findall(
    r"(?:text|flag|integer|days|number|one_of|words)\(\s*\"(KNEO_SERV_\w+)\"(?:, (?:default=)?([^,)]+))?",
    (ROOT / "kneo_project/settings.py").read_text(),
)
PLAIN = {name: default.replace("_", "") for name, default in READ if re.fullmatch(r"[0-9_.]+|True|False", default)}


def test_the_page_names_every_variable_once() -> None:
    assert sorted(name for name, _ in ROWS) == sorted(name for name, _ in READ)


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_the_page_tells_the_default(name: str) -> None:
    told, default = dict(ROWS)[name].strip("`"), PLAIN[name]
    if default in {"True", "False"}:
        assert told == default.lower()
    elif float(default) or told == "0":
        assert float(told) == float(default)
