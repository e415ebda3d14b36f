"""One deployment: real web, beat and worker processes on a database and a queue of their own."""

import os
import secrets
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from kneo_project.stack import programs
from tests.acceptance.api import TERMINAL, Api
from tests.acceptance.conditions import until
from tests.acceptance.ledger import Entry, Event, Ledger
from tests.acceptance.processes import ROOT, Process

LEASE_SECONDS = 5
MAX_ATTEMPTS = 3
POOL_SIZE = 8
START_SECONDS = 45
SUPERVISION_SECONDS = 0.2
NO_SETTINGS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that was created asynchronously, and the ledger of what it does."""

    run_id: str
    ledger: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that waits for its run's outcome, and the ledger of what the run does."""

    answer: Future[httpx2.Response]
    ledger: Ledger


class Deployment:
    """Starts with web and beat; workers come and go as each test asks.

    ``servants`` are what ``supervised`` keeps running beside the workers.
    ``settings`` are environment variables that replace those of this ring; an empty one means the shipped default.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        broker_url: str,
        queue: str,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        self.folder = folder
        self.workers: list[Process] = []
        self.servants: list[Process] = []
        self.processes: list[Process] = []
        self._env = self._environment(database_url, broker_url, queue) | dict(settings)
        self._closing = ExitStack()
        self._listener = self._closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        self._threads = self._closing.enter_context(ThreadPoolExecutor(max_workers=32))
        self.api = Api(f"http://127.0.0.1:{self._listener.getsockname()[1]}")
        self._closing.enter_context(self.api.http)

    def open(self) -> None:
        """Make the tables, start web and beat, and wait until the API answers."""
        self.run("manage.py", "migrate", "--verbosity", "0")
        self._start(programs.beat(), name="beat")
        self._start(programs.web(self._listener.fileno()), name="web")
        until(self.api.is_up, within=START_SECONDS, what="the API answers")

    def close(self) -> None:
        """End every process."""
        for process in self.processes:
            process.kill()
        self._closing.close()

    def run(self, *arguments: str) -> None:
        """Run Python with ``arguments`` in the deployment's environment, to its end."""
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self._env, check=True)

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command in the deployment's environment, to its end; return what it said."""
        command = (sys.executable, "manage.py", *words)
        return subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, check=False)

    def talk_to(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Python with ``arguments`` in the deployment's environment, to talk with line by line."""
        command, pipe = [sys.executable, *arguments], subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self._env, stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def scale(self, count: int) -> list[Process]:
        """Have exactly ``count`` workers, all ready; return them, the longest running first."""
        for worker in self.workers:
            if worker.is_frozen:
                worker.kill()
        self.workers = [worker for worker in self.workers if worker.is_alive]
        surplus, self.workers = self.workers[count:], self.workers[:count]
        for worker in surplus:
            worker.terminate()
        for worker in surplus:
            worker.wait_gone(within=START_SECONDS)
        while len(self.workers) < count:
            self.workers.append(self._start_worker())
        for worker in self.workers:
            _wait_until_ready(worker)
        return list(self.workers)

    def start_worker(self, **settings: str) -> Process:
        """Start a worker with ``settings`` of its own, which is not one of those that are scaled."""
        worker = self._start(programs.worker(), name=f"worker-{len(self.processes)}", **settings)
        _wait_until_ready(worker)
        return worker

    def serve_events(self, listener: socket.socket) -> Process:
        """Start the server for event streams on ``listener``."""
        return self._start(programs.events(listener.fileno()), name="events")

    def serve_api(self, listener: socket.socket, **settings: str) -> Process:
        """Start one more web process, on ``listener`` and with ``settings`` of its own."""
        return self._start(programs.web(listener.fileno()), name=f"web-{len(self.processes)}", **settings)

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """Start a new one for each worker and servant that dies, as a supervisor does."""
        stop = threading.Event()

        def supervise() -> None:
            while not stop.wait(SUPERVISION_SECONDS):
                self.workers = [each if each.is_alive else self._start_worker() for each in self.workers]
                self.servants = [each if each.is_alive else self._start_again(each) for each in self.servants]

        thread = threading.Thread(target=supervise, name="supervisor", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def start(self, spec: dict[str, Any], **fields: Any) -> Job:
        """Create a run asynchronously."""
        ledger = self.new_ledger()
        response = self.api.create(spec, ledger.token, async_mode=True, **fields)
        assert response.status_code == 202, response.text
        return Job(run_id=response.json()["run_id"], ledger=ledger)

    def start_many(self, count: int, spec: dict[str, Any], **fields: Any) -> list[Job]:
        """Create ``count`` runs asynchronously, several at a time."""
        return list(self._threads.map(lambda _: self.start(spec, **fields), range(count)))

    def call(self, spec: dict[str, Any], **fields: Any) -> Call:
        """Create a run synchronously: the answer comes in a thread, when the run rests."""
        ledger = self.new_ledger()
        return Call(answer=self._threads.submit(self.api.create, spec, ledger.token, **fields), ledger=ledger)

    def approve(self, job: Job) -> Call:
        """Approve what the blocked run asks: the answer comes in a thread, when the run rests again."""
        return Call(answer=self._threads.submit(self.api.approve, job.run_id), ledger=job.ledger)

    def wait_for(self, job: Job, status: str, *, within: float = 30) -> None:
        """Wait until the run has ``status``; fail at once when it ended otherwise."""
        passing = TERMINAL | {status}
        seen = until(
            lambda: (seen := self.api.status(job.run_id)) in passing and seen,
            within=within,
            what=f"the run {job.run_id} is {status}",
        )
        assert seen == status, self.api.run(job.run_id)["error"]

    def has_completed(self, count: int) -> bool:
        """Whether at least ``count`` runs have completed."""
        return self.api.count(status="completed") >= count

    def wait_for_recorded(self, job: Job, steps: set[str], *, within: float = 30) -> None:
        """Wait until the run has recorded that these ``steps`` are done."""

        def recorded() -> bool:
            checkpoints = self.api.checkpoints(job.run_id)
            done = {each["step_id"] or each["node_id"] for each in checkpoints if each["type"].endswith("_completed")}
            return steps <= done

        until(recorded, within=within, what=f"the run {job.run_id} has recorded {sorted(steps)}")

    def wait_for_start(self, ledger: Ledger, step: str, *, times: int = 1, within: float = 30) -> Entry:
        """Wait until ``step`` began for the time numbered ``times``; return that beginning."""
        what = f"step {step} began {times} times"
        begun = until(lambda: ledger.entries(step, Event.BEGAN)[times - 1 :], within=within, what=what)
        return begun[0]

    def worker_of(self, entry: Entry) -> Process:
        """Return the worker in which a step noted ``entry``."""
        return next(worker for worker in self.workers if worker.pid == entry.pid)

    def new_ledger(self) -> Ledger:
        """Return the ledger of a run that is to be ordered."""
        return Ledger(self.folder, uuid.uuid4().hex)

    def _start_worker(self) -> Process:
        return self._start(programs.worker(), name=f"worker-{len(self.processes)}")

    def _start_again(self, gone: Process) -> Process:
        return self._start(gone.program, name=gone.name)

    def _start(self, program: programs.Program, *, name: str, **settings: str) -> Process:
        process = Process(program, name=name, env=self._env | settings, folder=self.folder)
        self.processes.append(process)
        return process

    def _environment(self, database_url: str, broker_url: str, queue: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KNEO_SERV_")}
        return inherited | {
            "DJANGO_SETTINGS_MODULE": "kneo_project.settings",
            "KNEO_SERV_STATE_DIR": str(self.folder),
            "KNEO_SERV_SECRET_KEY": secrets.token_hex(32),
            "KNEO_SERV_DATABASE_URL": database_url,
            "KNEO_SERV_DATABASE_POOL_SIZE": str(POOL_SIZE),
            "KNEO_SERV_BROKER_URL": broker_url,
            "KNEO_SERV_QUEUE": queue,
            "KNEO_SERV_WORKER_LEASE_SECONDS": str(LEASE_SECONDS),
            "KNEO_SERV_QUEUE_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
            "KNEO_SERV_FUNCTION_MODULES": "tests.acceptance.steps",
            "KNEO_ACCEPTANCE_DIR": str(self.folder),
        }


def _wait_until_ready(worker: Process) -> None:
    until(lambda: worker.has_said("ready."), within=START_SECONDS, what=f"{worker.name} is ready")
