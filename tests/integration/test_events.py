"""Live events, as a listener meets them: what happened, what happens, in order and once."""

import asyncio
import json
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from pytest_django import Settings

from runs import services
from runs.events.streams import GREETING, HEARTBEAT, OfAll, stream
from tests import imports
from tests.acceptance.conditions import until
from tests.integration.driving import advance, human, spec_of, start, step
from tests.settings import DATABASE

pytestmark = pytest.mark.django_db(transaction=True)


def follow(path: str, **headers: str) -> Generator[dict[str, Any]]:
    """Yield the events of a stream, and {} for a comment."""
    answer = Client(headers=headers).get(f"/v1{path}")
    assert answer.status_code == 200, answer.content
    assert isinstance(answer, StreamingHttpResponse)
    assert answer["Content-Type"] == "text/event-stream"
    try:
        for block in (block for piece in answer for block in piece.decode().removesuffix("\n\n").split("\n\n")):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
            if "retry" not in lines:
                yield {**lines, "data": json.loads(lines["data"])} if lines else {}
    finally:
        answer.close()


class Reader:
    """Listens on a thread of its own."""

    def __init__(self, path: str, **headers: str) -> None:
        self.events: list[dict[str, Any]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(path, headers))
        self._thread.start()

    def types(self) -> list[str]:
        return [event["event"] for event in self.events if event]

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def has_begun(self) -> bool:
        return bool(self.events)

    def _read(self, path: str, headers: dict[str, str]) -> None:
        try:
            for event in follow(path, **headers):
                self.events.append(event)
                if self._stop.is_set():
                    break
        finally:
            connection.close()


@pytest.fixture(autouse=True)
def quick_heartbeat(settings: Settings) -> None:
    settings.EVENTS_HEARTBEAT_SECONDS = 0.1


def test_a_finished_run_is_told_from_its_beginning_to_its_end() -> None:
    run = start(spec_of(step("a"), step("b")), tags=("x",))
    advance(run)
    events = list(follow(f"/runs/{run.pk}/events"))
    assert [event["event"] for event in events] == ["run_started", "step_completed", "step_completed", "run_completed"]
    assert [event["id"] for event in events] == ["1", "2", "3", "4"]
    assert events[1]["data"]["output_preview"] == "hi>a"
    assert (events[1]["data"]["tags"], events[-1]["data"]["status"]) == (["x"], "completed")


def test_a_listener_goes_on_where_it_was() -> None:
    run = start(spec_of(step("a"), step("b")))
    advance(run)
    events = list(follow(f"/runs/{run.pk}/events", **{"Last-Event-ID": "3"}))
    assert [event["id"] for event in events] == ["4"]


def test_a_browser_that_knows_the_end_is_told_not_to_come_back() -> None:
    run = start(spec_of(step("a")))
    advance(run)
    assert Client(headers={"Last-Event-ID": "3"}).get(f"/v1/runs/{run.pk}/events").status_code == 204


def test_a_run_is_told_while_it_goes_on_until_it_ends() -> None:
    run = start(spec_of(step("a"), human(), step("b"), humans={"boss": {}}))
    reader = Reader(f"/runs/{run.pk}/events")
    until(reader.has_begun, within=10, what="the listener hears the beginning")
    advance(run)
    until(lambda: "human_pause" in reader.types(), within=10, what="the listener hears of the question")
    task = run.human_tasks.get()
    pause = next(event for event in reader.events if event and event["event"] == "human_pause")
    assert pause["data"]["continuation_id"] == str(task.pk)
    services.cancel_run(run.pk, actor="alice")
    until(lambda: "run_cancelled" in reader.types(), within=10, what="the listener hears the end")
    reader.stop()
    assert reader.types() == ["run_started", "step_completed", "human_pause", "run_cancelled"]


def test_somebody_who_listens_to_nothing_hears_that_the_connection_is_alive() -> None:
    reader = Reader("/events")
    until(reader.has_begun, within=10, what="a heartbeat")
    reader.stop()
    assert reader.events[0] == {}


def test_a_listener_to_all_runs_hears_those_that_fit_from_now_on() -> None:
    advance(start(spec_of(step("a"))))
    reader = Reader("/events?tag=x&type=run_completed&type=step_completed")
    until(reader.has_begun, within=10, what="the listener is there")
    advance(start(spec_of(step("a"))))
    wanted = start(spec_of(step("a")), tags=("x", "y"))
    advance(wanted)
    until(lambda: "run_completed" in reader.types(), within=10, what="the listener hears of the run")
    reader.stop()
    assert reader.types() == ["step_completed", "run_completed"]
    assert {event["data"]["run_id"] for event in reader.events if event} == {str(wanted.pk)}


@pytest.mark.skipif(DATABASE != "postgres", reason="SQLite has no connection to lose")
def test_a_listener_goes_on_when_the_connection_that_hears_of_changes_is_lost() -> None:
    reader = Reader("/events?type=run_completed")
    until(reader.has_begun, within=10, what="the listener is there")
    until(lambda: ended_listeners() == 1, within=10, what="the process waits for news")
    advance(start(spec_of(step("a"))))
    until(lambda: "run_completed" in reader.types(), within=10, what="the listener hears of the run")
    reader.stop()


def ended_listeners() -> int:
    """End, from the side of the database, the connections that wait for changes; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'LISTEN %%'",
            [],
        )
        return len(cursor.fetchall())


def test_a_listener_to_all_runs_goes_on_where_it_was() -> None:
    first = start(spec_of(step("a")))
    number = first.checkpoints.get().pk
    advance(first)
    reader = Reader("/events", **{"Last-Event-ID": str(number)})
    until(lambda: "run_completed" in reader.types(), within=10, what="the listener hears what it missed")
    reader.stop()
    assert reader.types() == ["step_completed", "run_completed"]


def test_a_listener_that_goes_through_much_that_does_not_fit_hears_that_the_connection_is_alive(
    settings: Settings,
) -> None:
    settings.EVENTS_HEARTBEAT_SECONDS = 1000.0
    advance(start(spec_of(step("a"))))

    def first_heard() -> dict[str, Any]:
        with closing(follow("/events?tag=x", **{"Last-Event-ID": "0"})) as events, closing(connection):
            return next(events)

    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(first_heard)
        try:
            assert heard.result(timeout=10) == {}
        finally:
            start(spec_of(step("a")), tags=("x",))  # whoever waits yet hears this


def test_what_was_imported_is_no_news_to_a_listener_to_all_runs(tmp_path: Path) -> None:
    imports.take_over(imports.file_of("release-1.0", tmp_path))
    run = start(spec_of(step("a")))
    advance(run)
    reader = Reader("/events", **{"Last-Event-ID": "0"})
    until(lambda: "run_completed" in reader.types(), within=10, what="the listener hears of a run")
    reader.stop()
    assert {event["data"]["run_id"] for event in reader.events if event} == {str(run.pk)}


@pytest.mark.parametrize("place", ["x", "-1", "9" * 20, "1.5"])
def test_a_place_that_is_no_number_is_refused(place: str) -> None:
    answer = Client(headers={"Last-Event-ID": place}).get("/v1/events")
    assert (answer.status_code, answer.json()["detail"]["error"]) == (400, "invalid_last_event_id")


def test_threads_for_listeners_are_few(settings: Settings) -> None:
    readers = [Reader("/events") for _ in range(settings.MAX_LISTENING_THREADS)]
    until(lambda: all(reader.has_begun() for reader in readers), within=20, what="all listeners are there")
    refused = Client().get("/v1/events")
    assert (refused.status_code, refused.json()["detail"]["error"]) == (503, "too_many_listeners")
    for reader in readers:
        reader.stop()
    reader = Reader("/events")
    until(reader.has_begun, within=10, what="there is room again")
    reader.stop()


def test_who_waits_for_events_has_no_thread() -> None:
    async def listen() -> tuple[list[bytes], bool]:
        async with ThreadSensitiveContext():  # as around each request of an event loop's server
            events = stream(OfAll(fits=lambda _: True, after=None))
            heard = [await anext(events), await anext(events)]
            context = SyncToAsync.thread_sensitive_context.get()
            has_thread = context in SyncToAsync.context_to_thread_executor
            await events.aclose()
        return heard, has_thread

    assert asyncio.run(listen()) == ([GREETING, HEARTBEAT], False)


@pytest.mark.skipif(DATABASE != "postgres", reason="SQLite lets readers read")
def test_nothing_is_read_for_a_listener_that_was_gone_before_the_database_answered() -> None:
    with connection_of_its_own() as other:

        def is_waited_for() -> bool:
            waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'runs_checkpoint'::regclass"
            return other.execute(waits).fetchone() is not None

        async def come_and_go() -> None:
            async with ThreadSensitiveContext():
                coming = asyncio.ensure_future(anext(stream(OfAll(fits=lambda _: True, after=None))))
                await asyncio.to_thread(until, is_waited_for, within=10, what="the listener waits for the database")
                coming.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await coming
                other.rollback()

        other.execute("LOCK TABLE runs_checkpoint")
        asyncio.run(come_and_go())
    until(lambda: "events" not in {each.name for each in threading.enumerate()}, within=10, what="nobody reads")


@contextmanager
def connection_of_its_own() -> Iterator[psycopg.Connection]:
    """Yield a connection whose transaction is apart from everything else, and is rolled back."""
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    own.ensure_connection()
    own.connection.set_autocommit(False)
    try:
        yield own.connection
    finally:
        own.close()


def test_an_unknown_run_cannot_be_listened_to() -> None:
    assert Client().get("/v1/runs/nope/events").status_code == 404
