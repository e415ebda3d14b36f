"""Advancing a run in a process of its own, so that whatever it does to its process it does to itself."""

import os
import subprocess
import sys
import threading

from kneo_project.room import room
from runs import heartbeat, leases

CHILDREN_AT_ONCE = 2
POLL_SECONDS = 0.5
STOP_SECONDS = 3.0
_places = threading.BoundedSemaphore(CHILDREN_AT_ONCE)


def advance_in_child(run_id: str) -> None:
    """Advance the run in a child process and wait for it; do nothing when enough children run already.

    The sweep rings again for a run that found no place, or no room for what it would write.
    """
    if not room.admits_work():
        return
    if not _places.acquire(blocking=False):
        return
    try:
        command = [sys.executable, "-m", "django", "advance_run", run_id]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        _wait(child)
        if child.returncode == os.EX_TEMPFAIL:
            room.note_refusal()
        elif child.returncode:
            leases.declare_dead(child.pid)
    finally:
        _places.release()


def _wait(child: subprocess.Popen[bytes]) -> None:
    """Wait for the child; when this process is told to stop, tell the child, and then insist."""
    pulse = heartbeat.of_this_process()
    while not pulse.is_stopping:
        try:
            child.wait(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    child.terminate()
    try:
        child.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
