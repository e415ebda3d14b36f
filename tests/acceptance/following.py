"""Somebody follows the pages: in their home directory a service is up, as the quickstart starts it."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import httpx2

from kneo_project.stack.private_stack import free_port
from kneo_project.stack.programs import Program
from tests import imports
from tests.acceptance.conditions import until
from tests.acceptance.processes import Process
from tests.documentation.accounting import lines_of
from tests.documentation.pages import ROOT, Block, blocks
from tests.documentation.reader import Reader

KEY = "a-key-of-the-pages"
PASSWORD = "correct horse battery"
START_SECONDS = 60
RESTS = {"blocked", "failed"}
ASK_FOR_A_PASSWORD = {"console.md"}
# What is restored goes into an empty database, which is in a state directory of its own.
RESTORING = "kneo manage restore /backups/kneo-2026-11-27.backup    #"
QUESTION = {
    "version": "v1",
    "agent": {"name": "greeter"},
    "workflow": {"type": "sequential", "steps": [{"id": "approve", "kind": "human", "ref": "editor"}]},
    "components": {"humans": {"editor": {"description": "May this go out?"}}},
}
DELIVERY = {
    "version": "v1",
    "agent": {"name": "courier"},
    "workflow": {"type": "sequential", "steps": [{"id": "deliver", "kind": "function", "ref": "deliver"}]},
    "components": {"functions": {"deliver": {"implementation": "depot.deliver"}}},
}
DEPOT = """\
from pathlib import Path


def deliver(text: str) -> str:
    if Path("away").exists():
        raise RuntimeError("The depot is away.")
    return text
"""


class Follower:
    """A reader with a service, and what the pages take for granted."""

    def __init__(self, home: Path, logs: Path) -> None:
        self.reader = Reader(home)
        self.reader.environment |= {
            "KEY": KEY,
            "KNEO_SERV_API_KEYS": f"docs:{KEY}:admin",
            "KNEO_SERV_FUNCTION_MODULES": "depot,specs.examples",
        }
        self._logs = logs
        _furnish(home)
        *_, serve = blocks("quickstart.md", "sh")
        self.serving, self.url = self.start(serve)
        until(self._every_job_is_done, within=START_SECONDS, what="the beat's jobs went well")

    def start(self, command: str) -> tuple[Process, str]:
        """Start a server of a page, on a port of its own; return it and its address once it answers."""
        port = free_port()
        line = f"exec {re.sub(r' --port [0-9]+', '', command.strip())} --port {port}"
        program = Program(name=command.split()[1], command=("bash", "-c", line))
        env, home = self.reader.environment, self.reader.home
        process = Process(program, name=program.name, env=env, folder=self._logs, cwd=home)
        url = f"http://127.0.0.1:{port}"
        until(lambda: _is_ready(url), within=START_SECONDS, what=f"{command.strip()} answers")
        return process, url

    def follow(self, page: str, shown: list[Block]) -> None:
        """Do what the blocks of a page say, one after the other; its settings fit together."""
        names = self._names(page)
        settings = "".join(self._filled_in(block.text, names) for block in shown if _is_settings(block))
        if settings:
            self.reader.run(f"set -a\n{settings}\nkneo manage check --fail-level WARNING")
        for block in shown:
            if not _is_settings(block):
                self._do(block, self._filled_in(block.text, names))

    def _do(self, block: Block, text: str) -> None:
        if block.page in ASK_FOR_A_PASSWORD:
            self.reader.answer(text, PASSWORD)
        else:
            elsewhere = {"KNEO_SERV_STATE_DIR": str(self.reader.home / "another")}
            self.reader.run(text, typed=f"{KEY}\n", also=elsewhere if block.text.startswith(RESTORING) else {})

    def _filled_in(self, text: str, names: Mapping[str, str]) -> str:
        home = self.reader.home
        text = re.sub(r"https://kneo\.example\.(com|org)", self.url, text)
        text = re.sub(r"(?<=[ =])/(backups|run/secrets)/", rf"{home}/\1/", text)
        return re.sub("|".join(names), lambda name: names[name[0]], text)

    def _names(self, page: str) -> dict[str, str]:
        """Return what stands for the names that a page leaves to its reader: most are of a run that asks somebody."""
        away = self.reader.home / "away"
        if page != "how-to.md":
            return self._ordered(QUESTION)
        away.touch()
        names = self._ordered(DELIVERY)
        away.unlink()
        return names

    def _ordered(self, spec: Mapping[str, object]) -> dict[str, str]:
        with self._client() as client:
            order = {"spec": spec, "input": "hello", "async_mode": True}
            run_id = client.post("/v1/runs", json=order).json()["run_id"]
            path = f"/v1/runs/{run_id}"
            until(lambda: client.get(path).json()["status"] in RESTS, within=30, what="the run rests")
            tasks = client.get("/v1/human-tasks", params={"run_id": run_id}).json()["tasks"]
        names = {"RUN_ID": run_id, "…": KEY}
        for task in tasks:
            names |= {"CONTINUATION_ID": task["id"], "REQUEST_ID": task["pending_human_request"]["id"]}
        return names

    def _every_job_is_done(self) -> bool:
        with self._client() as client:
            jobs = re.findall(r"^kneo_beat_job_age_seconds\{.*\} (\S+)$", client.get("/metrics").text, re.MULTILINE)
        return bool(jobs) and "NaN" not in jobs

    def _client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30)


def _is_settings(block: Block) -> bool:
    return all(re.match(r"[A-Z_]+=\S+$", line) for line in lines_of(block))


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx2.HTTPError:
        return False


def _furnish(home: Path) -> None:
    for folder in (".kneo", "another", "backups", "run/secrets", "specs"):
        (home / folder).mkdir(parents=True)
    imports.file_of("release-1.2", home / ".kneo")
    (home / "depot.py").write_text(DEPOT)
    (home / "rita.txt").write_text(PASSWORD)
    (home / "run/secrets/kneo-console").write_text("a secret")
    (home / "specs/report.yaml").write_text(json.dumps({"version": "v1", "agent": {"name": "reporter"}}))
    shutil.copytree(ROOT / "specs/examples", home / "specs/examples", ignore=shutil.ignore_patterns("*.py", "__*"))
    (home / "scripts").symlink_to(ROOT / "scripts")
