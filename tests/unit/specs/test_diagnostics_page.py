"""The page about diagnostic codes is what the tables say, and its examples provoke what they are about."""

import pytest

from specs.language.codes import MEANINGS
from specs.language.fixes import FIXES
from tests.corpus import ROOT
from tests.corpus.agreement import judge
from tests.corpus.diagnostics_page import PAGE, example_of, page

NEEDS_MORE_THAN_A_FILE = {"E_FILE", "E_LIMIT", "W_LIMIT", "E_UNSUPPORTED", "E_FUNCTION_NOT_ALLOWED", "E_SKILL_SOURCE"}
BY_POLICY = {code for code in MEANINGS if code.startswith(("E_ENV_POLICY_", "I_"))}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.corpus.diagnostics_page"


def test_there_is_advice_for_every_code() -> None:
    assert list(FIXES) == list(MEANINGS)


def test_there_is_an_example_wherever_a_file_alone_provokes_the_code() -> None:
    assert {code for code in MEANINGS if example_of(code) is None} == NEEDS_MORE_THAN_A_FILE


@pytest.mark.parametrize("code", sorted(set(MEANINGS) - NEEDS_MORE_THAN_A_FILE - BY_POLICY))
def test_an_example_provokes_its_code(code: str) -> None:
    example = example_of(code)
    assert example is not None

    found = [diagnostic.code for diagnostic in judge(str(example.relative_to(ROOT))).diagnostics]

    assert code in found
