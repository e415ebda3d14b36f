"""The tables of docs/environment.md: ``python -m tests.environment_page`` writes names, defaults and kinds.

What a variable is for is prose, and stays as it stands in its row; so does a default that no constant of the settings
tells (one that is worked out, or a 0 that stands for something).
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "environment.md"
SETTINGS = ROOT / "kneo_project" / "settings.py"
READERS = {"text", "flag", "integer", "days", "number", "one_of", "words"}
UNITS = {"SECONDS": "seconds", "DAYS": "days", "BYTES": "bytes", "CHARS": "characters", "THREADS": "threads"}
KINDS = {
    "flag": "yes or no",
    "words": "list",
    "one_of": "word",
    "text": "text",
    "integer": "number",
    "number": "number",
}
ENDS = {"URL": "address", "DIR": "path", "ROOT": "path", "KEY": "secret", "KEYS": "secret", "STORAGE": "address"}
HEAD = "| variable | default | kind | what it is |"
RULE = "|---|---|---|---|"
ROW = re.compile(r"^\| `(KNEO_SERV_\w+)` \| (.+) \|$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What the code says of a variable. ``default`` is None where it tells no constant."""

    name: str
    kind: str
    default: str | None


def variables() -> dict[str, Variable]:
    """Return every variable that the settings read."""
    calls = [node for node in ast.walk(ast.parse(SETTINGS.read_text())) if isinstance(node, ast.Call)]
    found = [_variable(call) for call in calls if isinstance(call.func, ast.Name) and call.func.id in READERS]
    return {each.name: each for each in found if each.name.startswith("KNEO_SERV_")}


def page() -> str:
    """Return the page as it should be."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    known = variables()
    for line in PAGE.read_text().splitlines():
        row = ROW.match(line)
        if line.startswith("| variable |"):
            yield HEAD
        elif re.fullmatch(r"(\|---)+\|", line):
            yield RULE
        elif row is None:
            yield line
        elif variable := known.pop(row[1], None):
            yield _row(variable, row[2].split(" | "))
    yield from (_row(variable, ["?", "?"]) for variable in known.values())


def _row(variable: Variable, cells: list[str]) -> str:
    default = cells[0] if variable.default is None else variable.default
    return f"| `{variable.name}` | {default} | {variable.kind} | {cells[-1]} |"


def _variable(call: ast.Call) -> Variable:
    assert isinstance(call.func, ast.Name)
    name, *rest = (node.value if isinstance(node, ast.Constant) else None for node in call.args)
    named = {each.arg: each.value.value if isinstance(each.value, ast.Constant) else None for each in call.keywords}
    is_given = bool(rest) or "default" in named or len(call.args) > 1
    default = (rest[0] if rest else named.get("default")) if is_given else ""
    name = str(name)
    return Variable(name=name, kind=_kind(call.func.id, name), default=_told(call.func.id, default))


def _kind(reader: str, name: str) -> str:
    end = name.rpartition("_")[2]
    if reader in {"integer", "number", "days"}:
        return UNITS.get(end, "number")
    return ENDS.get(end, KINDS[reader]) if reader == "text" else KINDS[reader]


def _told(reader: str, default: object) -> str | None:
    if reader == "days":
        return "none"
    if default is None or (not isinstance(default, str | bool) and not default):
        return None
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int | float):
        return f"{default:g}" if default < 1_000_000 else str(default)
    return f"`{default}`" if default else None


if __name__ == "__main__":
    PAGE.write_text(page())
