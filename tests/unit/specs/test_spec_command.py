"""``manage.py spec validate``: a table or JSON, and the exit status."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

GOOD = "version: v1\nagent: {name: root}\n"
WARNED = "version: v1\nagent: {name: root, strategy: react}\n"
BAD = "version: v1\nagent: {name: root, skills: [ghost]}\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a directory with a good, a warned-about and a bad spec."""
    for name, text in (("good.yaml", GOOD), ("warned.yml", WARNED), ("deep/bad.yaml", BAD), ("notes.txt", "x")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def validate(*arguments: object) -> tuple[int, str]:
    """Return the exit status and the output."""
    out = StringIO()
    try:
        call_command("spec", "validate", *map(str, arguments), stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    return 0, out.getvalue()


def report(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(validate(*arguments, "--json")[1])
    return found


@pytest.mark.parametrize(("name", "status"), [("good.yaml", 0), ("warned.yml", 0), ("deep/bad.yaml", 1), ("", 1)])
def test_the_exit_status_is_the_verdict_and_warnings_are_fine(files: Path, name: str, status: int) -> None:
    assert validate(files / name)[0] == status


def test_the_report_on_one_file_is_that_of_the_service(files: Path) -> None:
    assert report(files / "good.yaml") == {"valid": True, "diagnostics": []}


def test_the_report_on_several_files_names_each(files: Path) -> None:
    found = report(files)

    assert found["valid"] is False
    assert [(Path(file["path"]).name, file["valid"]) for file in found["files"]] == [
        ("bad.yaml", False),
        ("good.yaml", True),
        ("warned.yml", True),
    ]


def test_the_table_shows_where_and_what(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)

    table = validate("deep/bad.yaml")[1]

    for words in ("error", "E_SKILL_REF", "deep/bad.yaml:2:21", "agent.skills", "Declare it under skills."):
        assert words in table


@pytest.mark.parametrize("name", ["missing.yaml", "empty", "latin.yaml"])
def test_what_cannot_be_read_is_a_result(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")

    status, output = validate(tmp_path / name)

    assert status == 1
    assert "E_" in output


def test_a_name_in_a_spec_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text('version: v1\nagent: {name: r}\ntools: {"\\e[2J": {description: d}}\n')

    assert "\x1b" not in validate(tmp_path / "spec.yaml")[1]


def test_no_path_is_wrong_usage() -> None:
    with pytest.raises(CommandError):
        call_command("spec", "validate")
