"""What is around the processes: the broker and the disk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amqp.exceptions import NotFound
from celery.exceptions import CeleryError
from django.conf import settings
from kombu import Connection
from kombu.exceptions import KombuError
from redis import RedisError

from kneo_project.celery import app
from kneo_project.deployment_checks import is_embedded
from kneo_project.doctor.databases import MEBIBYTE, size
from kneo_project.doctor.findings import Finding, first_line, ok, warning, wrong

BROKER, DISK = "broker", "disk"
PATIENCE_SECONDS = 2
MANY_MESSAGES = 10_000
LITTLE_SPACE_BYTES = 1024 * MEBIBYTE
NO_SPACE_BYTES = 100 * MEBIBYTE
FEW_FILES = 1000


def broker() -> Iterator[Finding]:
    """Yield whether the broker answers, how many messages wait, and whether anybody listens."""
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=PATIENCE_SECONDS)
            yield from _queue(connection)
    except (KombuError, CeleryError, RedisError, OSError) as error:
        text = f"The broker does not answer: {first_line(error)}."
        remedy = "Start it, or correct KNEO_SERV_BROKER_URL. Runs are slower to begin meanwhile, and none is lost."
        yield wrong(BROKER, text, remedy)


def disk() -> Iterator[Finding]:
    """Yield how much room the state directory has, and whether it can be written."""
    folder = settings.STATE_DIR
    there = next(each for each in (folder, *folder.parents) if os.access(each, os.F_OK))
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        remedy = "Give it to the user of the service, or correct KNEO_SERV_STATE_DIR."
        yield wrong(DISK, f"{folder} cannot be written by this user.", remedy)
    elif there != folder:
        yield warning(DISK, f"There is no state directory {folder}.", "It is made by the first process that needs it.")
    places = {folder} | ({_sqlite_folder()} if is_embedded() else set())
    yield from (_room(place) for place in sorted(places) if place.is_dir())


def _queue(connection: Connection) -> Iterator[Finding]:
    """Yield what the queue holds. Who only wants to know must not make it: a queue that is not there is told."""
    kind = connection.transport_cls
    try:
        channel: Any = connection.default_channel  # each transport has its own, with this method
        waiting = channel.queue_declare(settings.QUEUE, passive=True)
    except NotFound:
        text = f"The broker ({kind}) answers; it has no queue {settings.QUEUE}, so no worker was ever connected."
        yield warning(BROKER, text, "Start a worker, or correct KNEO_SERV_QUEUE.")
        return
    told = f"The broker ({kind}) answers; {waiting.message_count} messages wait in {settings.QUEUE}"
    if kind in {"amqp", "pyamqp", "amqps"}:
        told += f", {waiting.consumer_count} workers listen"
        if not waiting.consumer_count:
            yield warning(BROKER, f"{told}.", "Start a worker, or look why it is not connected.")
            return
    if waiting.message_count > MANY_MESSAGES:
        yield warning(BROKER, f"{told}.", "Start more workers. Messages are only bells: they may be purged.")
    else:
        yield ok(BROKER, f"{told}.")


def _sqlite_folder() -> Path:
    return Path(settings.DATABASES["default"]["NAME"]).parent.resolve()


def _room(place: Path) -> Finding:
    left, files = shutil.disk_usage(place).free, os.statvfs(place)
    text = f"{size(left)} are free for {place}."
    remedy = "Make room: prune (manage.py prune), or move the directory to a larger disk."
    if left < NO_SPACE_BYTES or (files.f_files and files.f_favail < FEW_FILES):
        return wrong(DISK, text if left < NO_SPACE_BYTES else f"No more files can be made in {place}.", remedy)
    if left < LITTLE_SPACE_BYTES:
        return warning(DISK, text, remedy)
    return ok(DISK, text)
