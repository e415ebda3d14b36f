"""What integration tests share: a database that really commits, and a heartbeat of their own."""

from collections.abc import Iterator

import pytest

from runs import heartbeat
from tests.integration.functions import CALLS, FAILING, HOOKS


@pytest.fixture(autouse=True)
def retired_heartbeat(transactional_db: None) -> Iterator[None]:
    """End the heartbeat after each test: the next one has other rows."""
    yield
    heartbeat.retire()


@pytest.fixture(autouse=True)
def counted() -> None:
    """Count calls of functions from nothing, and let none of them fail."""
    CALLS.clear()
    FAILING.clear()
    HOOKS.clear()
