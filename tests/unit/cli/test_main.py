"""The ``kneo`` console script, as a process of its own and in this one."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
from typer.testing import CliRunner

from kneo_project.cli.main import app

SOURCE = Path(__file__).parents[3]
SPEC = "version: v1\nagent: {name: root}\n"


def kneo(
    *arguments: str, cwd: Path, stdout: IO[str] | int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``kneo`` as somebody would who has only installed it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KNEO_", "DJANGO_"))}
    command = [sys.executable, "-c", "from kneo_project.cli.main import run; run()", *arguments]
    env = {**kept, "PYTHONPATH": str(SOURCE), "HOME": str(cwd), **environment}
    return subprocess.run(
        command, cwd=cwd, env=env, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert result.exit_code == 0
    assert result.stdout.startswith("kneo-serv ")


def test_without_a_command_there_is_help_and_the_status_of_wrong_usage() -> None:
    result = CliRunner().invoke(app, [])

    assert result.exit_code == 2
    assert "spec" in result.output


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("kneo hu", {"human"}),
        ("kneo human ", {"list", "get", "resume"}),
        ("kneo run --prio", {"--priority"}),
        ("kneo run --priority h", {"high"}),
        ("kneo worker --q", {"--queues"}),
    ],
)
def test_what_is_typed_is_completed(typed: str, offered: set[str], tmp_path: Path) -> None:
    result = kneo(cwd=tmp_path, _KNEO_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(typed.count(" ")))

    assert set(result.stdout.split()) == offered


def test_validating_tells_the_verdict_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)

    result = kneo("spec", "validate", "good.yaml", "--json", cwd=tmp_path)

    assert (result.returncode, json.loads(result.stdout)) == (0, {"valid": True, "diagnostics": []})
    assert [path.name for path in tmp_path.iterdir()] == ["good.yaml"]


@pytest.mark.parametrize(("arguments", "status"), [(["bad.yaml"], 1), (["-x.yaml"], 2), ([], 2), (["missing.yaml"], 3)])
def test_the_exit_status_tells_a_bad_spec_from_wrong_usage_and_no_file(
    tmp_path: Path, arguments: list[str], status: int
) -> None:
    (tmp_path / "bad.yaml").write_text("version: v1\n")

    assert kneo("spec", "validate", *arguments, cwd=tmp_path).returncode == status


def test_a_spec_is_judged_without_the_settings_of_a_service(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)

    assert kneo("spec", "validate", "good.yaml", cwd=tmp_path, KNEO_SERV_DEBUG="perhaps").returncode == 0


def test_a_run_in_an_empty_directory_needs_nothing_but_its_spec(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)

    ran = kneo("run", "good.yaml", "-i", "hello", "--json", cwd=tmp_path)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert (json.loads(ran.stdout)["status"], json.loads(ran.stdout)["output_text"]) == (
        "completed",
        "Final answer: hello",
    )


def test_settings_that_make_no_sense_are_told_to_whom_they_concern(tmp_path: Path) -> None:
    here = kneo("runs", "list", cwd=tmp_path, KNEO_SERV_DEBUG="perhaps")
    elsewhere = kneo("runs", "list", "--service-url", "http://127.0.0.1:9", cwd=tmp_path, KNEO_SERV_DEBUG="perhaps")

    assert (here.returncode, here.stderr.startswith("error: The settings are wrong: KNEO_SERV_DEBUG")) == (1, True)
    assert (elsewhere.returncode, "cannot be reached" in elsewhere.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_release_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite3")) as database:
        database.execute("CREATE TABLE runs_run (id)")

    ended = kneo("runs", "list", cwd=tmp_path, KNEO_SERV_DATABASE_URL=f"sqlite:///{tmp_path / 'old.sqlite3'}")

    assert (ended.returncode, "migrations; run: kneo migrate" in ended.stderr) == (1, True)


@pytest.mark.parametrize("program", ["web", "events", "worker", "beat"])
def test_a_program_does_not_start_on_settings_that_make_no_sense(program: str, tmp_path: Path) -> None:
    refused = kneo(program, cwd=tmp_path, KNEO_SERV_WORKER_CONCURRENCY="many")

    assert (refused.returncode, refused.stderr.startswith("Refusing to start: KNEO_SERV_WORKER_CONCURRENCY")) == (
        1,
        True,
    )


def test_a_program_does_not_start_on_keys_that_cannot_be_read(tmp_path: Path) -> None:
    refused = kneo("web", cwd=tmp_path, KNEO_SERV_API_KEYS="no-role")

    assert (refused.returncode, refused.stderr.startswith("Refusing to start: (kneo.E002)")) == (1, True)


def test_an_argument_that_is_no_text_is_told_as_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)
    words = ("--service-url", "http://127.0.0.1:9")

    plain = kneo("run", "good.yaml", "-i", "caf\udce9", *words, cwd=tmp_path)
    document = kneo("runs", "get", "\udcff", "--json", *words, cwd=tmp_path)

    assert (plain.returncode, plain.stderr) == (2, "error: An argument of the command is not UTF-8 text.\n")
    assert (document.returncode, document.stdout, json.loads(document.stderr)["error"]) == (2, "", "invalid_request")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
@pytest.mark.parametrize("words", [("spec", "validate", "good.yaml"), ("spec", "validate", "good.yaml", "--json")])
def test_a_full_disk_behind_the_output_is_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)

    with Path("/dev/full").open("w") as full:
        ended = kneo(*words, cwd=tmp_path, stdout=full)

    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert "The output cannot be written: No space left on device." in ended.stderr


def test_whoever_reads_no_further_ends_the_command_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(SPEC)
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "w") as closed:
        ended = kneo("spec", "explain", "good.yaml", "--json", cwd=tmp_path, stdout=closed)

    assert (ended.returncode, ended.stderr) == (1, "")
