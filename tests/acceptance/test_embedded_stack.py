"""The two commands of a newcomer, with the real processes they start."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from kneo_project.stack.demo_api import Api
from kneo_project.stack.private_stack import free_port, private_stack
from tests.acceptance.conditions import until

MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))
END_SECONDS = 90


def environment(state: Path) -> dict[str, str]:
    """Return the environment of a person who has configured nothing but where the state lives."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KNEO_SERV_", "DJANGO_"))}
    return kept | {"KNEO_SERV_STATE_DIR": str(state)}


def manage(state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a management command to its end."""
    return subprocess.run(
        [*MANAGE, *arguments], env=environment(state), capture_output=True, text=True, timeout=END_SECONDS, check=False
    )


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address of a stack that is ready."""
    with private_stack(tmp_path) as address:
        yield address


def test_the_demonstration_runs_to_its_end(tmp_path: Path) -> None:
    told = manage(tmp_path, "demo")
    assert told.returncode == 0, told.stderr
    for line in ("A person is asked", "✓ classify", "✓ cost-centre", "✓ book", "completed", "Everything was stopped"):
        assert line in told.stdout


@pytest.mark.usefixtures("url")
def test_a_second_stack_on_the_same_port_is_refused_in_a_sentence(tmp_path: Path, url: str) -> None:
    port = url.rpartition(":")[2]
    refused = manage(tmp_path, "serve", "--port", port)
    assert (refused.returncode, refused.stderr.strip()) == (
        1,
        f"CommandError: Port {port} on 127.0.0.1 is taken by another program; choose one with --port.",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_stack_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    with subprocess.Popen([*MANAGE, "serve", "--port", str(port)], env=environment(tmp_path)) as process:
        api = Api(f"http://127.0.0.1:{port}")
        until(api.is_ready, within=END_SECONDS, what="the stack is ready")
        process.send_signal(number)
        assert process.wait(timeout=END_SECONDS) == 0
    assert not api.is_ready()
