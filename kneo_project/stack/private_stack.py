"""A stack for one purpose: a port and a state directory of its own, and nothing of the caller's settings."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from kneo_project.stack.demo_api import Api, DemoFailed

START_SECONDS = 60.0
STOP_SECONDS = 20.0


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def private_stack(state: Path) -> Iterator[str]:
    """Run ``manage.py serve`` with its state in ``state`` inside the block, which gets its URL.

    Raises ``DemoFailed`` when it does not get ready in time.
    """
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KNEO_SERV_")}
    environment |= {"KNEO_SERV_STATE_DIR": str(state), "DJANGO_SETTINGS_MODULE": "kneo_project.settings"}
    command = [sys.executable, "-m", "django", "serve", "--port", str(port)]
    with (
        (state / "serve.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
            cwd=settings.BASE_DIR,
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, Api(url))
            yield url
        finally:
            _stop(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", api: Api) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not api.is_ready():
        if process.poll() is not None:
            raise DemoFailed(f"the stack ended while starting (exit code {process.returncode})")
        if time.monotonic() > deadline:
            raise DemoFailed(f"the stack was not ready after {START_SECONDS:.0f} s")
        time.sleep(0.1)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
