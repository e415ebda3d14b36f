"""The page about durability names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "durability.md").read_text()
NAMED = set(re.findall(r"`(test_\w+)`", PAGE))
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), flags=re.MULTILINE)
}


def test_every_row_is_proven_by_a_test() -> None:
    rows = re.findall(r"^\| .* \| .* \| (.*) \|$", PAGE, flags=re.MULTILINE)
    faults = [row for row in rows if row != "proven by"]

    assert len(faults) >= 19
    assert all("`test_" in row for row in faults)
    assert set() == NAMED - DEFINED
