"""Every code that the language declares is given somewhere, and no other."""

import re
from pathlib import Path

import specs
from specs.language.codes import MEANINGS

TABLES = {"codes.py", "fixes.py"}
SOURCES = [path.read_text() for path in Path(specs.__path__[0]).rglob("*.py") if path.name not in TABLES]
BY_KIND = {f"E_STEP_{kind}_REF" for kind in ("AGENT", "FUNCTION", "HUMAN", "WORKFLOW", "WAIT", "SIGNAL")}


def test_every_code_in_the_source_is_declared_and_every_declared_code_is_used() -> None:
    used = {code for source in SOURCES for code in re.findall(r'"([EWI]_[A-Z_]+)"', source)}

    assert used | BY_KIND == set(MEANINGS)
