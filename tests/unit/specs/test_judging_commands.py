"""``spec validate`` and ``spec lint``: what they print for whom, and the exit status."""

import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command
from typer.testing import CliRunner

from kneo_project.cli.main import app as kneo
from tests.unit.specs.commands import BAD, GOOD, PROJECT, WARNED, spec, write


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a good, a warned-about and a bad spec."""
    for name, text in (("good.yaml", GOOD), ("warned.yml", WARNED), ("deep/bad.yaml", BAD), ("notes.txt", "x")):
        write(tmp_path / name, text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(files: Path) -> Path:
    """Return the working directory, with the settings of a project as well."""
    write(files / ".kneo" / "config.yaml", PROJECT)
    write(files / "main.yaml", GOOD)
    write(files / "prod.yaml", "agent: {system_prompt: Careful.}\n")
    return files


@pytest.mark.parametrize(
    ("name", "validate", "strict", "lint"),
    [("good.yaml", 0, 0, 0), ("warned.yml", 0, 1, 1), ("deep/bad.yaml", 1, 1, 1), (".", 1, 1, 1), ("no.yaml", 3, 3, 3)],
)
@pytest.mark.usefixtures("files")
def test_the_exit_status_is_the_verdict(name: str, validate: int, strict: int, lint: int) -> None:
    assert spec("validate", name).status == validate
    assert spec("validate", name, "--fail-on-warning").status == strict
    assert spec("lint", name).status == lint


@pytest.mark.usefixtures("files")
def test_the_report_on_one_file_is_that_of_the_service() -> None:
    assert spec("validate", "good.yaml", "--json").json == {"valid": True, "diagnostics": []}


@pytest.mark.usefixtures("files")
def test_the_report_on_several_files_names_each() -> None:
    found = spec("validate", ".", "--format", "json").json

    assert found["valid"] is False
    assert [(file["path"], file["valid"]) for file in found["files"]] == [
        ("deep/bad.yaml", False),
        ("good.yaml", True),
        ("warned.yml", True),
    ]


@pytest.mark.usefixtures("files")
def test_lint_counts() -> None:
    assert spec("lint", "good.yaml", "--json").json == {
        "clean": True,
        "warning_count": 0,
        "error_count": 0,
        "diagnostics": [],
    }
    several = spec("lint", "warned.yml", "deep/bad.yaml", "--json").json
    assert (several["clean"], several["warning_count"], several["error_count"]) == (False, 1, 1)
    assert spec("lint", "warned.yml").out.splitlines()[-1] == "warned.yml: errors 0, warnings 1"


@pytest.mark.usefixtures("files")
def test_the_table_shows_where_and_what() -> None:
    table = spec("validate", "deep/bad.yaml").out

    for words in ("error", "E_SKILL_REF", "deep/bad.yaml:2:21", "agent.skills", "Declare it under skills."):
        assert words in table


@pytest.mark.usefixtures("files")
def test_sarif_has_a_rule_and_a_place_for_each_result() -> None:
    (run,) = spec("validate", ".", "--format", "sarif").json["runs"]

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["E_SKILL_REF", "W_AGENT_MODEL"]
    assert [(result["ruleId"], result["level"]) for result in run["results"]] == [
        ("E_SKILL_REF", "error"),
        ("W_AGENT_MODEL", "warning"),
    ]
    (location,) = run["results"][0]["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "deep/bad.yaml"},
        "region": {"startLine": 2, "startColumn": 21},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "agent.skills"}]


@pytest.mark.usefixtures("files")
def test_an_annotation_has_a_place_and_one_line() -> None:
    (line,) = spec("validate", "deep/bad.yaml", "--format", "github").out.splitlines()

    assert line.startswith("::error file=deep/bad.yaml,line=2,col=21,title=E_SKILL_REF::agent.skills: Skill 'ghost'")


def test_an_annotation_cannot_be_broken_out_of(files: Path) -> None:
    write(files / "a,b.yaml", 'version: v1\nagent: {name: "x\\n::error::y", skills: [g]}\n')

    (line,) = spec("validate", "a,b.yaml", "--format", "github").out.splitlines()

    assert line.startswith("::error file=a%2Cb.yaml,line=2,")


@pytest.mark.parametrize("name", ["missing.yaml", "empty", "fifo"])
def test_what_cannot_be_read_is_told_as_such(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "fifo")

    ended = spec("validate", tmp_path / name)

    assert ended.status == 3
    assert "E_FILE" in ended.out


def test_what_is_not_text_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")

    ended = spec("validate", tmp_path / "latin.yaml")

    assert ended.status == 1
    assert "E_SYNTAX" in ended.out


def test_a_name_in_a_spec_cannot_steer_the_terminal(tmp_path: Path) -> None:
    write(tmp_path / "spec.yaml", 'version: v1\nagent: {name: r}\ntools: {"\\e[2J": {description: d}}\n')

    assert "\x1b" not in spec("validate", tmp_path / "spec.yaml").out


@pytest.mark.usefixtures("files")
def test_no_path_and_no_project_is_wrong_usage() -> None:
    ended = spec("validate")

    assert ended.status == 2
    assert "default_spec" in ended.err


@pytest.mark.usefixtures("project")
def test_a_project_names_the_spec_that_is_meant() -> None:
    assert spec("validate").out == "main.yaml: valid\n"


def test_a_path_may_start_at_the_root_of_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "deep")

    assert spec("validate", "good.yaml").status == 0


@pytest.mark.usefixtures("project")
def test_a_directory_is_searched_for_specs_only() -> None:
    named = [file["path"] for file in spec("validate", ".", "--json").json["files"]]

    assert named == ["deep/bad.yaml", "good.yaml", "main.yaml", "warned.yml"]


@pytest.mark.parametrize("environment", [{"KNEO_ENV": "prod"}, {}])
@pytest.mark.usefixtures("project")
def test_the_policy_of_the_environment_is_part_of_the_verdict(environment: dict[str, str]) -> None:
    options = [] if environment else ["--env", "prod"]

    ended = spec("validate", "main.yaml", "--json", *options, **environment)

    assert ended.status == 1
    assert [found["code"] for found in ended.json["diagnostics"]] == ["E_ENV_POLICY_GUARDRAILS"]
    assert "missing.yaml does not exist" in ended.err


@pytest.mark.usefixtures("files")
def test_wrong_settings_are_told_in_the_asked_form() -> None:
    write(Path("kneo_serv.yaml"), "project: {}\n")

    ended = spec("validate", "good.yaml", "--json")

    assert ended.status == 3
    assert ended.failure["error"] == "project_config_invalid"


@pytest.mark.usefixtures("files")
def test_manage_py_has_the_same_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        call_command("spec", "validate", "--json", "good.yaml")

    assert stop.value.code == 0
    assert json.loads(capsys.readouterr().out) == {"valid": True, "diagnostics": []}


@pytest.mark.parametrize(("arguments", "status"), [(["good.yaml"], 0), (["deep/bad.yaml", "--json"], 1), (["--no"], 2)])
@pytest.mark.usefixtures("files")
def test_kneo_has_the_same_commands(arguments: list[str], status: int) -> None:
    assert CliRunner().invoke(kneo, ["spec", "validate", *arguments]).exit_code == status
