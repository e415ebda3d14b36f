"""The wheel alone: its commands, and a whole deployment of it as the image runs it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from kneo_project.stack.private_stack import free_port
from kneo_project.stack.programs import Program
from tests import services
from tests.acceptance.conditions import until
from tests.acceptance.installation import Installation
from tests.acceptance.processes import ROOT, Process

ENTRY_POINT = ROOT / "docker" / "entrypoint.sh"
READ_ONLY_ROOT = ROOT / "tests" / "acceptance" / "read_only_root.sh"
SPEC = "version: v1\nagent: {name: greeter}\n"
KEY = "a-key-of-the-installation"
HEADERS = {"Authorization": f"Bearer {KEY}"}
START_SECONDS = 60
STATE_IN_IMAGE = "/app/state"
NOBODY = 10001  # on this machine

AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n", "--preserve-env")

type Launch = Callable[..., Program]


def _can_mount() -> bool:
    tried = subprocess.run([*AS_ROOT, "unshare", "--mount", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


def in_a_read_only_root(installed: Installation, state: Path) -> Launch:
    """Return what starts programs by the entry point, as an unprivileged user in a read-only root."""
    _do(*AS_ROOT, "chown", str(NOBODY), str(state))
    root = state.parent / "root"
    root.mkdir()
    interpreter = Path(sys.base_prefix).resolve()
    shown = [str(path) for path in (installed.venv, installed.libraries, interpreter, ENTRY_POINT.parent)]
    isolated = (*AS_ROOT, "unshare", "--mount", "--propagation", "private", "sh", str(READ_ONLY_ROOT))

    def launch(*words: str) -> Program:
        command = (*isolated, str(root), str(state), *shown, "--", "sh", str(ENTRY_POINT), *words)
        return Program(name=words[0], command=command)

    return launch


def directly(installed: Installation, *words: str) -> Program:
    """Return a program as a person starts it."""
    return Program(name=words[0], command=(str(installed.venv / "bin" / "kneo"), *words))


class Running:
    """The programs of one deployment of the wheel."""

    def __init__(self, installed: Installation, launch: Launch, state: str, logs: Path) -> None:
        self.web, self.events = (f"http://127.0.0.1:{port}" for port in (free_port(), free_port()))
        self._launch, self._logs, self._cwd = launch, logs, installed.home
        self._environment = installed.environment(
            KNEO_SERV_STATE_DIR=state, KNEO_SERV_API_KEYS=f"ops:{KEY}:admin", PYTHONDONTWRITEBYTECODE="1"
        )
        self.processes: list[Process] = []

    def start(self, *words: str, **settings: str) -> Process:
        """Start a program."""
        env = self._environment | settings
        process = Process(self._launch(*words), name=words[0], env=env, folder=self._logs, cwd=self._cwd)
        self.processes.append(process)
        return process

    def start_all(self) -> None:
        """Migrate, start every program, and wait until they answer."""
        migration = self.start("migrate")
        migration.wait_gone(within=START_SECONDS)
        assert migration.exit_status == 0
        for name, url in (("web", self.web), ("events", self.events)):
            self.start(name, PORT=url.rpartition(":")[2])
        for name in ("worker", "beat"):
            self.start(name)
        for url in (self.web, self.events):
            until(lambda url=url: _is_ready(url), within=START_SECONDS, what=f"{url} is ready")  # type: ignore[misc]


@pytest.fixture
def running(installed: Installation, state: Path, tmp_path: Path) -> Iterator[Running]:
    """The deployment: as the image runs it, or, where this machine lets nobody mount anything, as a person does."""
    if _can_mount():
        deployment = Running(installed, in_a_read_only_root(installed, state), STATE_IN_IMAGE, tmp_path)
    else:
        assert not services.IN_CI, "CI proves the read-only root: it needs root or sudo, and mount namespaces"
        deployment = Running(installed, partial(directly, installed), str(state), tmp_path)
    try:
        deployment.start_all()
        yield deployment
    finally:
        for process in deployment.processes:
            process.kill()
            print(f"--- {process.name}\n{process.tail()}")  # noqa: T201 - pytest shows it when the test fails


def test_the_wheel_tells_its_version_and_judges_specs(installed: Installation) -> None:
    (installed.home / "spec.yaml").write_text(SPEC)
    where = installed.run("python", "-c", "import runs, kneo_project; print(runs.__file__, kneo_project.__file__)")
    judged = installed.run("kneo", "spec", "validate", "spec.yaml", "--json")

    assert all(path.startswith(str(installed.venv)) for path in where.stdout.split())
    assert installed.run("kneo", "--version").stdout == f"kneo-serv {installed.wheel.name.split('-')[1]}\n"
    assert (judged.returncode, json.loads(judged.stdout)) == (0, {"valid": True, "diagnostics": []})


def test_every_program_starts_from_the_wheel_alone_and_a_run_completes(running: Running) -> None:
    order = {"spec": {"version": "v1", "agent": {"name": "greeter"}}, "input": "hello", "async_mode": True}
    with httpx2.Client(base_url=running.web, headers=HEADERS, timeout=30) as client:
        answer = client.post("/v1/runs", json=order)
        assert answer.status_code == 202, answer.text
        path = f"/v1/runs/{answer.json()['run_id']}"
        until(lambda: client.get(path).json()["status"] == "completed", within=30, what="the run is completed")
        styles = re.findall(r'href="(/static/[^"]+\.css)"', client.get("/admin/login/").text)
        assert {client.get(style).status_code for style in styles} == {200}
    with httpx2.stream("GET", running.events + f"{path}/events", headers=HEADERS, timeout=30) as stream:
        assert any("completed" in line for line in stream.iter_lines())

    servants = [process for process in running.processes if process.name in {"web", "worker", "beat"}]
    for process in servants:
        process.terminate()
    for process in servants:
        process.wait_gone(within=30)
    assert [process.exit_status for process in servants] == [0, 0, 0]


@pytest.mark.skipif(not _can_mount(), reason="this machine lets nobody mount anything")
def test_the_root_of_the_image_can_only_be_written_where_it_says(installed: Installation, state: Path) -> None:
    tell = "id -u; for place in / /app /etc /usr /tmp /app/state; do touch $place/x 2>&1 && echo $place; done"
    launch = in_a_read_only_root(installed, state)
    told = subprocess.run(launch("sh", "-c", tell).command, capture_output=True, text=True, check=False)
    assert [line for line in told.stdout.splitlines() if "touch" not in line] == ["10001", "/tmp", "/app/state"]


def test_a_public_address_without_keys_is_refused(installed: Installation) -> None:
    refused = installed.run("kneo", "web", "--host", "0.0.0.0", "--port", "0")
    assert (refused.returncode, "would open the API to everybody" in refused.stderr) == (1, True)


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def _do(*command: str) -> None:
    subprocess.run(command, check=True)
