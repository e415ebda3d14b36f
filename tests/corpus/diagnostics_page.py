"""The documentation page about every diagnostic code: ``python -m tests.corpus.diagnostics_page`` writes it."""

from collections.abc import Iterator
from pathlib import Path

from specs.language.codes import MEANINGS
from specs.language.diagnostics import SEVERITY_BY_PREFIX
from specs.language.fixes import FIXES
from tests.corpus import ROOT

PAGE = ROOT.parents[1] / "docs" / "diagnostics.md"
HEAD = """\
# Diagnostics

Everything `kneo spec validate` and the service can say about a spec, in the order of the checks: what it means, a spec
that provokes it, and what to do. Codes are stable. This page is generated from the tables of the code.
"""


def example_of(code: str) -> Path | None:
    """Return the file that provokes ``code``, if a file alone can."""
    candidates = [*sorted((ROOT / "invalid").glob(f"{code}*.yaml")), ROOT / "ours" / f"{code}.yaml"]
    named = (path for path in candidates if path.stem.partition("--")[0] == code and path.exists())
    return next(named, None)


def page() -> str:
    """Return the text of the page."""
    return "\n".join([HEAD, *(line for code in MEANINGS for line in _section(code))])


def _section(code: str) -> Iterator[str]:
    yield from (f"## {code}", "", f"*{SEVERITY_BY_PREFIX[code[0]].value.capitalize()}.* {MEANINGS[code]}", "")
    if example := example_of(code):
        yield from ("```yaml", example.read_text().rstrip("\n"), "```", "")
    yield from (f"**What to do:** {FIXES[code]}", "")


if __name__ == "__main__":
    PAGE.write_text(page())
