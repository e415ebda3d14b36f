"""The language agrees with the published system on the corpus, except where the documentation says otherwise."""

import pytest

from tests.corpus.agreement import Comparison, comparisons, main

FOUND = list(comparisons())


@pytest.mark.parametrize("found", FOUND, ids=lambda found: f"{found.name} {found.column}")
def test_both_say_the_same_unless_the_difference_is_documented(found: Comparison) -> None:
    assert found.agrees is not found.is_listed, (found.ours, found.theirs)


def test_the_agreement_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert "verdict                94 of   94 agree, 0 differ as listed" in capsys.readouterr().out
