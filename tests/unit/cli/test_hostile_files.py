"""The commands, on files and paths that do harm: an answer in words, always."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specs.cli.app import app
from tests.hostile import BAD, LARGE, write_all

COMMANDS = ("validate", "lint", "compile", "explain", "graph", "policy-report", "resolve", "migrate")
PATHS = ("missing.yaml", "pipe", "loop", "x" * 300, "steps.yaml/inside", "na\udcffme.yaml", "/dev/null")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of such files."""
    directory = tmp_path_factory.mktemp("hostile")
    write_all(directory)
    os.mkfifo(directory / "pipe")
    (directory / "loop").symlink_to("loop")
    return directory


@pytest.fixture(autouse=True)
def inside(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in that directory."""
    monkeypatch.chdir(hostile)
    yield
    assert not Path("owned").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", [*BAD, *LARGE, *PATHS])
def test_a_command_answers_in_words(command: str, path: str) -> None:
    result = CliRunner().invoke(app, [command, path])

    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in {0, 1, 3}
    assert len(result.output) < 5_000_000


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_spec_is_refused(name: str) -> None:
    assert CliRunner().invoke(app, ["validate", name]).exit_code == 1


@pytest.mark.parametrize("name", LARGE)
def test_what_is_only_large_is_accepted(name: str) -> None:
    assert CliRunner().invoke(app, ["compile", name]).exit_code == 0


def test_a_letter_that_looks_like_another_is_named() -> None:
    assert "CYRILLIC SMALL LETTER A" in CliRunner().invoke(app, ["validate", "--json", "look-alike.yaml"]).output


JUDGE_EACH = """
import re, sys
from pathlib import Path
from typer.testing import CliRunner
from specs.cli.app import app
for path in sys.argv[1:]:
    CliRunner().invoke(app, ["validate", "--json", path])
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to tell the memory of one process")
def test_none_of_them_takes_much_memory() -> None:
    judged = subprocess.run(
        [sys.executable, "-c", JUDGE_EACH, *BAD, *LARGE], check=True, capture_output=True, text=True, timeout=120
    )

    assert int(judged.stdout.split()[-1]) < 200_000  # kilobytes
