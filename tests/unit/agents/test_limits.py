"""What a process asks of an endpoint: at a time, in a minute, and after failures."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from runs.agents.errors import ProviderError
from runs.agents.loop import run_agent
from runs.agents.models.limits import Gate, Limits, gate_of
from tests.stubs.chat_server import Answer, ChatServer, completion, failure
from tests.unit.agents.factories import agents, served_agent


def ask(chat: ChatServer, limits: Limits, **settings: Any) -> str:
    """Return the answer of the stub, asked once under ``limits``."""
    agent = served_agent(chat.base_url)
    return run_agent(agents(limits=limits, **{"retries": 0, **settings}), agent, "hello").text


def test_no_more_calls_are_under_way_than_may_be(chat: ChatServer) -> None:
    under_way, most, lock = [0], [0], threading.Lock()

    def watch(_: object) -> Answer:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        threading.Event().wait(0.05)
        with lock:
            under_way[0] -= 1
        return completion("done")

    chat.otherwise = watch
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(chat, Limits(concurrency=2)), range(8)))
    assert answers == ["done"] * 8
    assert most == [2]


def test_calls_are_spread_over_the_minute(chat: ChatServer) -> None:
    limits = Limits(per_minute=600)
    for _ in range(4):
        ask(chat, limits)
    moments = [request.at_seconds for request in chat.requests]
    assert moments[-1] - moments[0] >= 0.29


def test_an_endpoint_that_keeps_failing_is_left_alone_and_asked_again_later(chat: ChatServer) -> None:
    limits = Limits(failures=3, rest_seconds=0.3)
    chat.queue(*[failure(500)] * 3)
    for _ in range(3):
        with pytest.raises(ProviderError, match="500"):
            ask(chat, limits)

    with pytest.raises(ProviderError, match="left alone") as refused:
        ask(chat, limits)
    assert (refused.value.retriable, len(chat.requests)) == (True, 3)

    assert eventually(lambda: ask(chat, limits)) == "echo: hello"
    assert ask(chat, limits) == "echo: hello"


def eventually(attempt: Callable[[], str]) -> str:
    """Return what ``attempt`` gives, as soon as it does not fail."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return attempt()
        except ProviderError:
            if time.monotonic() > deadline:
                raise


def test_one_call_finds_out_whether_an_endpoint_is_back(chat: ChatServer) -> None:
    limits = Limits(failures=1, rest_seconds=0.1)
    chat.otherwise = lambda _: failure(503)
    for _ in range(3):
        with pytest.raises(ProviderError):
            eventually_refused(chat, limits)
    assert len(chat.requests) == 3


def eventually_refused(chat: ChatServer, limits: Limits) -> None:
    """Ask until the endpoint itself refuses."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            ask(chat, limits)
        except ProviderError as error:
            if error.status is not None:
                raise


def test_calls_that_wait_for_their_turn_are_not_made_once_the_endpoint_is_left_alone(chat: ChatServer) -> None:
    limits = Limits(concurrency=1, failures=1, rest_seconds=60)
    waiting = threading.Event()

    def fail(_: object) -> Answer:
        waiting.wait(10)
        return failure(500)

    chat.otherwise = fail
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, chat, limits) for _ in range(4)]
        while not chat.requests:
            time.sleep(0.01)
        waiting.set()
        errors = [each.exception() for each in asked]
    assert len(chat.requests) == 1
    assert sorted(type(error).__name__ for error in errors) == ["ProviderCircuitOpen"] * 3 + ["ProviderError"]


def test_one_gate_is_made_for_an_endpoint_that_many_ask_first_at_once() -> None:
    limits = Limits(concurrency=7)
    start = threading.Barrier(16)

    def first(_: int) -> Gate:
        start.wait()
        return gate_of("http://127.0.0.1:9/", limits)

    with ThreadPoolExecutor(16) as pool:
        assert len({id(gate) for gate in pool.map(first, range(16))}) == 1


def test_a_refusal_that_is_the_callers_fault_does_not_count(chat: ChatServer) -> None:
    limits = Limits(failures=1)
    chat.queue(failure(400))
    with pytest.raises(ProviderError):
        ask(chat, limits)
    assert ask(chat, limits) == "echo: hello"


def test_other_endpoints_are_not_concerned(chat: ChatServer) -> None:
    limits = Limits(failures=1, rest_seconds=60)
    chat.queue(failure(500))
    with pytest.raises(ProviderError):
        ask(chat, limits)
    with ChatServer() as other:
        assert ask(other, limits) == "echo: hello"
