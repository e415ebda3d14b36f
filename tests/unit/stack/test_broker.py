"""The embedded broker delivers every message once, to any number of readers in any number of processes."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection, Consumer, Queue
from kombu.exceptions import ChannelError
from kombu.message import Message

from kneo_project import broker
from kneo_project.celery import app

PUBLISHERS = 3
PER_PUBLISHER = 1000
READERS = 3
QUEUE = Queue("bells")
PUBLISH = """
import sys
from tests.unit.stack.test_broker import connect, publish
with connect(sys.argv[1]) as connection:
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        publish(connection, number)
"""


def connect(folder: str | Path) -> Connection:
    """Return a connection to the broker that lives in ``folder``."""
    return Connection(transport=broker.Transport, transport_options={"folder": str(folder)})


def publish(connection: Connection, body: object) -> None:
    """Put one message into the queue."""
    with connection.channel() as channel, connection.Producer(channel) as producer:
        producer.publish(body, routing_key=QUEUE.name)


def channel_of(connection: Connection) -> broker.Channel:
    """Return a new channel, typed as ours."""
    return cast("broker.Channel", connection.channel())


def read_until(connection: Connection, seen: list[object], *, enough: int) -> None:
    """Append what arrives to ``seen`` (shared with other readers) until it holds ``enough`` messages."""

    def take(body: object, message: Message) -> None:
        message.ack()
        seen.append(body)

    with connection.channel() as channel, Consumer(channel, [QUEUE], callbacks=[take]):
        while len(seen) < enough:
            try:
                connection.drain_events(timeout=1)
            except TimeoutError:
                continue


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with connect(tmp_path) as opened:
        yield opened


def test_three_processes_publish_and_three_threads_read_each_message_once(tmp_path: Path) -> None:
    total = PUBLISHERS * PER_PUBLISHER
    seen: list[object] = []

    def read() -> None:
        with connect(tmp_path) as own:
            read_until(own, seen, enough=total)

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    starts = range(0, total, PER_PUBLISHER)
    publishers = [
        subprocess.Popen([sys.executable, "-c", PUBLISH, str(tmp_path), str(start), str(start + PER_PUBLISHER)])
        for start in starts
    ]
    for reader in readers:
        reader.start()
    assert [publisher.wait(timeout=120) for publisher in publishers] == [0] * PUBLISHERS
    for reader in readers:
        reader.join(timeout=120)
    assert Counter(seen) == Counter(range(total))


@given(bodies=st.lists(st.text(min_size=1, max_size=200), max_size=20))
def test_one_reader_gets_what_one_publisher_sent_in_the_same_order(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[str]
) -> None:
    with connect(tmp_path_factory.mktemp("broker")) as connection:
        for body in bodies:
            publish(connection, body)
        seen: list[object] = []
        read_until(connection, seen, enough=len(bodies))
    assert seen == bodies


def test_a_half_written_message_is_not_seen(connection: Connection, tmp_path: Path) -> None:
    folder = tmp_path / QUEUE.name
    folder.mkdir()
    (folder / "0-half.new").write_text('{"body": ')
    publish(connection, "whole")
    seen: list[object] = []
    read_until(connection, seen, enough=1)
    assert seen == ["whole"]


def test_a_message_listed_by_two_readers_goes_to_one(tmp_path: Path) -> None:
    with connect(tmp_path) as first, connect(tmp_path) as second:
        for body in ("a", "b"):
            publish(first, body)
        taken = [channel_of(reader).basic_get(QUEUE.name) for reader in (first, second, first)]
    assert [message.payload if message else None for message in taken] == ["a", "b", None]


def test_purging_empties_the_queue(connection: Connection) -> None:
    publish(connection, "old")
    channel = channel_of(connection)
    assert (channel.queue_purge(QUEUE.name), channel.basic_get(QUEUE.name)) == (1, None)


@pytest.mark.parametrize("name", ["../elsewhere", "", ".hidden", "a/b"])
def test_a_queue_cannot_lead_out_of_the_folder(connection: Connection, name: str) -> None:
    with pytest.raises(ChannelError):
        channel_of(connection).queue_declare(name or "..")


def test_the_folder_of_a_queue_is_private(connection: Connection, tmp_path: Path) -> None:
    publish(connection, "bell")
    assert (tmp_path / QUEUE.name).stat().st_mode & 0o077 == 0


def test_the_transport_is_known_by_its_scheme() -> None:
    assert isinstance(Connection(app.conf.broker_url).transport, broker.Transport)
