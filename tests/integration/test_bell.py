"""What listeners are told by, on PostgreSQL: it rings for all that was committed, whatever becomes of the process."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection, transaction

from runs.bell import CHANNEL, bell
from tests.settings import DATABASE

SOON_SECONDS = 10

pytestmark = pytest.mark.skipif(DATABASE != "postgres", reason="only PostgreSQL tells listeners")


@pytest.fixture
def listener() -> Iterator[psycopg.Connection]:
    """A connection that hears the bell."""
    with connection.cursor() as cursor:
        place = cursor.connection.info
    with psycopg.connect(
        host=place.host, port=place.port, user=place.user, dbname=place.dbname, password=place.password, autocommit=True
    ) as heard:
        heard.execute(f"LISTEN {CHANNEL}")
        yield heard


def is_rung(listener: psycopg.Connection) -> bool:
    """Return whether the bell is heard."""
    return bool(list(listener.notifies(timeout=SOON_SECONDS, stop_after=1)))


def commit_something() -> None:
    """Do what whoever records something does."""
    with transaction.atomic():
        bell.ring()


def test_what_was_committed_last_is_rung_for_before_the_process_ends(listener: psycopg.Connection) -> None:
    commit_something()
    bell.retire()
    assert is_rung(listener)


def test_a_bell_that_was_retired_rings_again(listener: psycopg.Connection) -> None:
    bell.retire()
    commit_something()
    assert is_rung(listener)
