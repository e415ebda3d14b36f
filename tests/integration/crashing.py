"""Dying at a chosen moment: in a forked child that ends itself before its n-th statement or commit."""

import itertools
import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence

from django.db import connection, connections

from runs.bell import bell
from runs.models import Run

DIED = 70
NEVER = 0


def crashes(prepare: Callable[[], Run], act: Callable[[Run], object]) -> Iterator[Run]:
    """Yield a fresh run for every moment at which ``act`` on it can die, after it died there.

    The last one yielded is the run that ``act`` got through with.
    """
    for moment in itertools.count(1):
        run = prepare()
        died = dies_at(moment, act, run)
        yield Run.objects.get(pk=run.pk)
        if not died:
            return


def dies_at(moment: int, act: Callable[..., object], *arguments: object) -> bool:
    """Do ``act`` in a child that dies before operation number ``moment`` on the database; return whether it did.

    Operations are the statements and the commits of the thread that does ``act``, counted from 1.
    """
    _close_connections()
    child = _fork()
    if not child:
        _live(moment, act, arguments)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, DIED), f"the child failed with exit code {code}; its output has the traceback"
    return code == DIED


def in_child(act: Callable[..., object], *arguments: object) -> None:
    """Do ``act`` in a child that lives: heartbeats and leases are its own, as in a worker."""
    dies_at(NEVER, act, *arguments)


def _fork() -> int:
    with warnings.catch_warnings():
        # The threads of the pool that was just closed may still be on their way out; they hold no lock.
        warnings.filterwarnings("ignore", category=DeprecationWarning, message=".* is multi-threaded")
        return os.fork()


def _live(moment: int, act: Callable[..., object], arguments: Sequence[object]) -> None:
    try:
        _light_fuse(moment)
        act(*arguments)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the parent sees the exit code
        traceback.print_exc()
        os._exit(1)


def _light_fuse(moment: int) -> None:
    operations = itertools.count(1)
    commit = connection.commit

    def burn() -> None:
        if next(operations) == moment:
            os._exit(DIED)

    def before_statement(execute: Callable[..., object], *rest: object) -> object:
        burn()
        return execute(*rest)

    def before_commit() -> None:
        burn()
        commit()

    connection.execute_wrappers.append(before_statement)
    connection.commit = before_commit  # type: ignore[method-assign]


def _close_connections() -> None:
    """Leave nothing open that a child would share with its parent, and nobody who would open anything."""
    bell.retire()
    connections.close_all()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined] # django-stubs knows only what all databases have
