"""A state directory that cannot be written: every program says so in a sentence, and no order depends on it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRET_KEY = "9f" * 30
RING = "import django, uuid; django.setup(); from runs.tasks import ring; print(ring(uuid.uuid4(), 'default'))"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a place where nobody, root included, can make a directory."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "state"


def told(*arguments: str, state: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run Python with these settings in a process of its own, to its end."""
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "kneo_project.settings"}
    environment |= {"KNEO_SERV_STATE_DIR": str(state), **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("variables", [{}, {"KNEO_SERV_SECRET_KEY": SECRET_KEY}])
def test_the_stack_does_not_start_and_says_which_directory_it_is(state: Path, variables: dict[str, str]) -> None:
    ended = told("manage.py", "serve", "--port", "0", state=state, **variables)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"{state} cannot be written (Not a directory)." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_doctor_names_it(state: Path) -> None:
    ended = told("manage.py", "doctor", "--json", state=state, KNEO_SERV_SECRET_KEY=SECRET_KEY)
    wrong = {each["subject"]: each for each in json.loads(ended.stdout)["findings"] if each["level"] == "wrong"}
    assert ended.returncode == 1
    assert wrong["disk"]["text"] == f"{state} cannot be written by this user."
    assert wrong["disk"]["remedy"] == "Give it to the user of the service, or correct KNEO_SERV_STATE_DIR."


def test_a_message_that_cannot_be_written_is_made_good_by_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "broker").touch()
    ended = told("-c", RING, state=tmp_path)
    assert (ended.returncode, ended.stdout.strip()) == (0, "False"), ended.stderr


def a_directory(file: Path) -> None:
    file.mkdir()


def no_database(file: Path) -> None:
    file.write_text("something else\n" * 100)


def below_a_file(file: Path) -> None:
    file.parent.rmdir()
    file.parent.touch()


def locked_by_a_directory(file: Path) -> None:
    file.with_name(f"{file.name}.migrating").mkdir()


@pytest.mark.parametrize("spoil", [a_directory, no_database, below_a_file, locked_by_a_directory])
def test_a_file_that_cannot_be_the_database_is_told_in_a_sentence(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "data" / "kneo.sqlite3"
    file.parent.mkdir()
    spoil(file)
    variables = {"KNEO_SERV_DATABASE_URL": f"sqlite:///{file}", "KNEO_SERV_SECRET_KEY": SECRET_KEY}
    ended = told("manage.py", "migrate", state=tmp_path, **variables)
    assert ended.returncode == 1
    assert re.match(r"(CommandError: )?(The database cannot be used: |/.*cannot be written \()", ended.stderr)
    assert "Traceback" not in ended.stderr
