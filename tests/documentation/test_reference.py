"""The pages that are made from the code are up to date."""

import pytest

from tests.documentation.audited import MEANINGS, recorded
from tests.documentation.reference import FOLDER, pages


@pytest.mark.django_db
def test_the_pages_are_up_to_date() -> None:
    stale = [name for name, text in pages().items() if (FOLDER / name).read_text() != text]
    assert stale == [], "run make reference"


def test_every_audit_event_is_explained() -> None:
    assert set(recorded()) - set(MEANINGS) == set(), "say what they mean in tests/documentation/audited.py"
    assert set(MEANINGS) - set(recorded()) == set(), "nothing records them any more"
