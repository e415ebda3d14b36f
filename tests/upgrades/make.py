"""Makes the filled databases: ``python -m tests.upgrades.make [NAME…]`` checks their commits out and runs their code.

Each is kept as SQL, with the answers of the API beside it, both compressed. A commit whose migrations were changed
later is no state that anybody can upgrade from, and is refused.
"""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Named by the newest migration of runs. Add one for each release.
STATES = {"runs-0002": "e8d4ae2", "runs-0006": "71a4fae", "runs-0008": "2032237", "runs-0010": "8a0f15f"}


def make(name: str, commit: str) -> None:
    """Keep a filled database of ``commit`` under ``name``."""
    if changed := _changed_since(commit):
        sys.exit(f"{commit}: changed since: {', '.join(changed)}")
    with tempfile.TemporaryDirectory() as folder:
        checkout, state = Path(folder, "code"), Path(folder, "state")
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(checkout), commit], cwd=ROOT, check=True)
        try:
            variables = {"PYTHONPATH": str(checkout), "KNEO_SERV_STATE_DIR": str(state), "KNEO_SERV_REQUEST_LOGS": "0"}
            environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "kneo_project.settings", **variables}
            command = [sys.executable, str(HERE / "filling.py")]
            filled = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, check=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(checkout)], cwd=ROOT, check=True)
        with closing(sqlite3.connect(state / "kneo.sqlite3")) as opened:
            dump = "\n".join(opened.iterdump())
    _keep(f"{name}.sql.gz", dump)
    _keep(f"{name}.json.gz", json.dumps({"commit": commit, "answers": json.loads(filled.stdout)}))


def _changed_since(commit: str) -> list[str]:
    """Return the migrations of ``commit`` that are others now."""
    command = ["git", "diff", "--name-only", "--diff-filter=MD", commit, "--", ":(glob)**/migrations/0*.py"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def _keep(name: str, text: str) -> None:
    (HERE / name).write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    for wanted in sys.argv[1:] or STATES:
        make(wanted, STATES[wanted])
