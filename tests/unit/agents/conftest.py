from collections.abc import Iterator

import pytest

from tests.stubs.chat_server import ChatServer


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server
