"""The supervisor keeps programs running, says when one dies, and leaves none behind."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kneo_project.stack.programs import Program
from kneo_project.stack.supervising import Supervisor, restart_delay_seconds

PATIENCE_SECONDS = 20
LIVE = """
import pathlib, os, signal, sys
pathlib.Path(sys.argv[1]).open("a").write(f"{os.getpid()}\\n")
signal.pause()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + LIVE
CHATTY = "print('all is well'); print('WARNING: the disk is full', flush=True)" + LIVE


def program(name: str, source: str, starts: Path) -> Program:
    """Return a Python program that appends its process id to ``starts`` and then does nothing."""
    return Program(name=name, command=(sys.executable, "-c", source, str(starts)))


def wait_for[T](probe: Callable[[], T]) -> T:
    """Return the first true answer of ``probe``; fail when there is none in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if answer := probe():
            return answer
        threading.Event().wait(0.02)
    pytest.fail("the awaited thing did not happen")


def pids(starts: Path, *, count: int) -> list[int]:
    """Wait until the program has started ``count`` times and return its process ids."""

    def started() -> list[int]:
        found = [int(line) for line in starts.read_text().split()] if starts.exists() else []
        return found if len(found) >= count else []

    return wait_for(started)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Stage:
    """A supervisor at work in a thread, with what it said."""

    def __init__(self, folder: Path) -> None:
        self.starts = folder / "starts"
        self.logs = folder / "logs"
        self.said: list[str] = []

    @contextmanager
    def playing(self, source: str) -> Iterator[None]:
        """Keep one program running inside the block."""
        programs = [program("player", source, self.starts)]
        supervisor = Supervisor(programs, logs=self.logs, say=self.said.append)
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        try:
            yield
        finally:
            supervisor.stop()
            thread.join(timeout=PATIENCE_SECONDS)
            assert not thread.is_alive()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_program_that_is_killed_is_started_again_and_reported(stage: Stage) -> None:
    with stage.playing(LIVE):
        os.kill(pids(stage.starts, count=1)[0], 9)
        assert len(set(pids(stage.starts, count=2))) == 2
    assert "player ended (killed by SIGKILL), starting it again in 1 s" in stage.said[0]


def test_stopping_leaves_no_process_behind(stage: Stage) -> None:
    with stage.playing(LIVE):
        [pid] = pids(stage.starts, count=1)
    assert not is_alive(pid)


def test_a_program_that_ignores_sigterm_is_killed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kneo_project.stack.supervising.STOP_SECONDS", 0.2)
    with stage.playing(STUBBORN):
        [pid] = pids(stage.starts, count=1)
    assert not is_alive(pid)


def test_output_goes_to_the_log_and_warnings_to_the_terminal_too(stage: Stage) -> None:
    with stage.playing(CHATTY):
        wait_for(lambda: stage.said)
    assert (stage.logs / "player.log").read_text() == "all is well\nWARNING: the disk is full\n"
    assert stage.said == ["player: WARNING: the disk is full"]


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 1), (2, 2), (3, 4), (6, 30), (500, 30)])
def test_the_more_often_it_dies_the_longer_it_waits(deaths: int, seconds: float) -> None:
    assert restart_delay_seconds(deaths) == seconds
