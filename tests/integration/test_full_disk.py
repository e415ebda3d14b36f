"""The disk of the database is full, or must not be written: nothing is lost, and it is said what to do."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, InternalError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import Client

from kneo_project import room as rooms
from kneo_project.errors import StoreFull
from kneo_project.room import Room, room
from kneo_project.transient import Trouble, trouble_of
from runs import deadlines, executor, heartbeat
from runs.cli import driving
from runs.executor import Rest
from runs.models import Run
from tests.integration.driving import advance, outputs, spec_of, start, step
from tests.integration.functions import CALLS
from tests.integration.test_agents import served
from tests.settings import DATABASE
from tests.stubs.chat_server import ChatServer, completion

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as TestResponse

on_sqlite = pytest.mark.skipif(DATABASE != "sqlite", reason="only SQLite has a limit that a test can set exactly")
LONG = "x" * 100_000
UNLIMITED = 1_073_741_823
THREE = spec_of(step("a"), step("wordy"), step("b"))


@pytest.fixture(autouse=True)
def roomy() -> Iterator[None]:
    """Let this process have forgotten any full disk."""
    room.note_success()
    yield
    room.note_success()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once whether there is room."""
    monkeypatch.setattr(rooms, "PAUSE_SECONDS", 0.0)


@contextmanager
def pragma_everywhere(name: str, value: int, *, afterwards: int) -> Iterator[None]:
    """Set the pragma for each connection, of whichever thread."""

    def put(connection: BaseDatabaseWrapper, **_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {name} = {value}")

    connection_created.connect(put)
    put(connection)
    try:
        yield
    finally:
        connection_created.disconnect(put)
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA {name} = {afterwards}")


@contextmanager
def full_disk(*, spare_pages: int = 5) -> Iterator[None]:
    """Let the file of the database grow by a few pages and no more."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
    with pragma_everywhere("max_page_count", pages + spare_pages, afterwards=UNLIMITED):
        yield


def come_back(run: Run) -> None:
    """Let the heartbeat notice, twice, what nobody holds, and advance the run once more."""
    for _ in range(2):
        heartbeat.of_this_process().beat()
    advance(run)


def order(client: Client, text: str, **headers: str) -> "TestResponse":
    """Order a run over the API."""
    body = {"spec": spec_of(step("a")), "input": text, "async_mode": True}
    return client.post("/v1/runs", body, content_type="application/json", headers=headers)


def checks(client: Client) -> dict[str, Any]:
    """Return what the probe says, which is still that requests may come."""
    answer = client.get("/v1/readyz")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()["metadata"]["checks"]
    return told


@on_sqlite
@pytest.mark.usefixtures("impatient")
def test_a_run_whose_step_finds_no_room_goes_on_when_there_is_some() -> None:
    run = start(THREE)
    with full_disk():
        with pytest.raises(OperationalError, match="full"):
            executor.advance(run.pk)
        run.refresh_from_db()
        assert (run.status, outputs(run)) == ("running", ["hi>a"])
    come_back(run)
    assert (run.status, len(outputs(run)), run.attempts) == ("completed", 3, 0)
    assert CALLS == {"a": 1, "wordy": 2, "b": 1}, "only what could not be written was done again"
    call_command("doctor", "--audit")


@on_sqlite
def test_while_there_is_no_room_no_model_is_asked_again_and_again() -> None:
    with ChatServer() as chat:
        chat.queue(completion(LONG))
        spec = spec_of(step("writer", kind="agent"))
        spec["components"]["agents"]["writer"] = served(chat)
        run = start(spec)
        with full_disk():
            with pytest.raises(OperationalError, match="full"):
                executor.advance(run.pk)
            assert {executor.advance(run.pk).rest for _ in range(5)} == {Rest.NOT_DUE}
        assert len(chat.requests) == 1
    run.refresh_from_db()
    assert (run.status, run.attempts) == ("running", 0)


@on_sqlite
def test_a_run_in_a_process_of_its_own_is_not_blamed_for_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    run = start(THREE)
    Run.objects.update(attempts=2)
    with full_disk(), pytest.raises(SystemExit) as ended:
        call_command("advance_run", str(run.pk))
    assert ended.value.code == os.EX_TEMPFAIL, "its worker waits before it starts the next process"
    run.refresh_from_db()
    assert (run.status, run.attempts, run.lease_owner) == ("running", 2, None)


def test_after_each_pause_one_piece_of_work_is_tried_until_one_was_written() -> None:
    now = [0.0]
    room = Room(clock=lambda: now[0])
    assert (room.admits_work(), room.is_lacking) == (True, False)
    room.note_refusal()
    assert (room.admits_work(), room.is_lacking) == (False, True)
    now[0] += rooms.PAUSE_SECONDS
    assert [room.admits_work() for _ in range(3)] == [True, False, False]
    now[0] += rooms.FRESH_SECONDS
    assert not room.is_lacking, "what is long ago is not told"
    room.note_success()
    assert [room.admits_work() for _ in range(3)] == [True, True, True]


@on_sqlite
def test_an_order_that_finds_no_room_is_refused_with_what_to_do_and_counts_once_when_there_is(client: Client) -> None:
    with full_disk(spare_pages=0):
        refused = order(client, "y" * 20_000, **{"Idempotency-Key": "mine"})
        assert client.get("/v1/runs").json()["total"] == 0
        assert checks(client)["room"] == {"name": "room", "ok": False, "error": "store_full"}
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert refused.json()["detail"] == {
        "error": "store_full",
        "message": "The database has no room left; nothing was lost. Somebody has to make room on its disk; then try "
        "again.",
    }
    again = [order(client, "y" * 20_000, **{"Idempotency-Key": "mine"}) for _ in range(2)]
    assert len({each.json()["run_id"] for each in again}) == 1
    assert client.get("/v1/runs").json()["total"] == 1


@on_sqlite
def test_a_database_that_can_only_be_read_is_read_and_orders_are_refused(client: Client) -> None:
    run = start(THREE)
    with pragma_everywhere("query_only", 1, afterwards=0):
        refused = order(client, "hi")
        assert client.get(f"/v1/runs/{run.pk}").json()["status"] == "running"
        with pytest.raises(OperationalError):
            executor.advance(run.pk)
    assert (refused.status_code, refused.json()["detail"]["error"]) == (503, "store_read_only")
    come_back(run)
    assert (run.status, run.attempts) == ("completed", 0)


@on_sqlite
def test_a_person_at_the_console_is_told_as_well() -> None:
    User.objects.create_superuser("olga", password="a-password-of-hers")
    browser = Client(raise_request_exception=False)
    with pragma_everywhere("query_only", 1, afterwards=0):
        page = browser.post("/admin/login/", {"username": "olga", "password": "a-password-of-hers"})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "30")
    assert "The database can only be read; nothing was lost." in page.content.decode()


@on_sqlite
def test_who_drives_a_run_at_the_keyboard_does_not_wait_for_room() -> None:
    run = start(THREE)
    with full_disk(), pytest.raises(StoreFull):
        driving.drive(run.pk)
    run.refresh_from_db()
    assert run.status == "running"
    assert deadlines.recover_lapsed() == [run.pk], "whoever sweeps next takes it back"


def examined(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what the doctor calls wrong with the database."""
    capsys.readouterr()
    with pytest.raises(SystemExit):
        call_command("doctor", "--json")
    told = json.loads(capsys.readouterr().out)["findings"]
    return [each["text"] for each in told if (each["subject"], each["level"]) == ("database", "wrong")]


@on_sqlite
def test_the_doctor_names_a_full_disk_and_a_database_that_can_only_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    with full_disk():
        assert examined(capsys) == ["The database has no room left: database or disk is full."]
    with pragma_everywhere("query_only", 1, afterwards=0):
        assert examined(capsys) == ["The database can only be read: attempt to write a readonly database."]
    assert "kneo_room" not in connection.introspection.table_names()


@pytest.mark.parametrize(
    ("error", "cause", "trouble"),
    [
        (OperationalError, psycopg.errors.DiskFull(), Trouble.FULL),
        (InternalError, psycopg.errors.ReadOnlySqlTransaction(), Trouble.READ_ONLY),
        (InternalError, psycopg.errors.DataCorrupted(), None),
        (OperationalError, psycopg.errors.ConnectionFailure(), Trouble.AWAY),
    ],
)
def test_what_postgresql_says_is_told_apart(
    error: type[DatabaseError], cause: Exception, trouble: Trouble | None
) -> None:
    told = error("says the server")
    told.__cause__ = cause
    assert trouble_of(told) is trouble
