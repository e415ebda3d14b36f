"""What the pages tell people to type works as it is written, on a service that is up."""

import itertools
import signal
from collections.abc import Iterator

import pytest

from tests.acceptance.following import Follower
from tests.documentation.accounting import left_to_run
from tests.documentation.pages import blocks

PAGES = {page: list(found) for page, found in itertools.groupby(left_to_run(), key=lambda block: block.page)}
STOP_SECONDS = 30


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Follower]:
    made = Follower(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("logs"))
    yield made
    made.serving.terminate()
    made.serving.wait_gone(within=STOP_SECONDS)
    assert made.serving.exit_status == 0


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_tells_people_to_type_works(page: str, follower: Follower) -> None:
    follower.follow(page, PAGES[page])


def test_the_server_for_events_starts_as_the_page_says(follower: Follower) -> None:
    (events,) = (block for block in blocks("api.md", "sh") if block.startswith("kneo events"))
    process, _ = follower.start(events)
    process.terminate()
    process.wait_gone(within=STOP_SECONDS)
    assert process.exit_status in {0, -signal.SIGTERM}
