"""What integration tests share: a database that really commits, and a heartbeat of their own."""

from collections.abc import Iterator

import pytest

from runs import heartbeat
from tests.integration.functions import CALLS, FAILING, HOOKS
from tests.stubs.chat_server import ChatServer


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


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """Serve a model."""
    with ChatServer() as server:
        yield server
