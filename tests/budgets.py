"""The size budgets of the project, checked by ``make lint``: ``python -m tests.budgets`` names every offender."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("humantasks", "kneo_project", "runs", "specs", "tests")
FILE_LINES = 400
TEST_FILE_LINES = 500
FUNCTION_LINES = 60
CLASS_LINES = 300


def sources() -> Iterator[Path]:
    """Yield every Python file under a budget: all of them but migrations."""
    for package in PACKAGES:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def offences(path: Path) -> Iterator[str]:
    """Yield a sentence for each budget that the file at ``path`` exceeds."""
    text = path.read_text()
    name = path.relative_to(ROOT)
    lines = text.count("\n")
    limit = TEST_FILE_LINES if name.parts[0] == "tests" else FILE_LINES
    if lines > limit:
        yield f"{name}: the file has {lines} lines, at most {limit} are allowed"
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                kind, limit = "function", FUNCTION_LINES
            case ast.ClassDef():
                kind, limit = "class", CLASS_LINES
            case _:
                continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > limit:
            yield f"{name}:{node.lineno}: {kind} {node.name} has {lines} lines, at most {limit} are allowed"


def main() -> int:
    """Print the offenders; return 1 when there are any."""
    found = [offence for path in sources() for offence in offences(path)]
    for offence in found:
        print(offence)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
