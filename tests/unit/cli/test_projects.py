"""``kneo config init``, ``resolve``, ``secrets`` and ``render-spec``."""

from pathlib import Path

import pytest

from specs.language.parsing import load
from tests.unit.cli.commands import kneo
from tests.unit.specs.commands import BAD, GOOD, PROJECT, write


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty directory that has a name to speak of."""
    here = tmp_path / "claims: 7"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def test_init_writes_settings_that_commands_understand_and_names_no_service(directory: Path) -> None:
    begun = kneo("config", "init")
    assert begun.status == 0
    assert "Wrote .kneo/config.yaml" in begun.out
    context = kneo("config", "resolve", "--json").json
    assert (context["has_config"], context["environment"], context["service_url"]) == (True, "dev", None)
    assert kneo("config", "show", "--json").json["project"]["name"] == directory.name


def test_init_replaces_settings_only_when_told() -> None:
    write(Path(".kneo/config.yaml"), "mine")
    refused = kneo("config", "init")
    assert (refused.status, Path(".kneo/config.yaml").read_text()) == (1, "mine")
    assert "--force" in refused.err
    assert kneo("config", "init", "--force", "--name", "other").status == 0
    assert kneo("config", "show", "--json").json["project"]["name"] == "other"


def test_what_the_template_offers_is_understood_when_it_is_uncommented() -> None:
    kneo("config", "init")
    path = Path(".kneo/config.yaml")
    offered = [line.removeprefix("# ") for line in path.read_text().splitlines() if not line.endswith(".")]
    path.write_text("\n".join(offered))
    shown = kneo("config", "resolve", "--json", "--env", "prod")
    assert shown.status == 0, shown.err
    assert shown.json["service_url"] == "https://kneo.example.com"
    assert "not known" not in shown.err


def test_resolve_tells_what_commands_work_with(directory: Path) -> None:
    write(Path(".kneo/config.yaml"), PROJECT)
    write(Path("prod.yaml"), "agent: {system_prompt: Careful.}\n")
    context = kneo("config", "resolve", "--env", "prod", "--service-url", "http://one/", "--json").json
    assert context == {
        "has_config": True,
        "config_path": str(directory / ".kneo/config.yaml"),
        "root_dir": str(directory),
        "environment": "prod",
        "spec_path": "main.yaml",
        "overlay_paths": [str(directory / "prod.yaml")],
        "service_url": "http://one",
        "service_named_by": "--service-url",
    }
    told = kneo("config", "resolve", "--spec", "other.yaml", "--env", "prod").out
    assert "other.yaml" in told
    assert "prod.yaml" in told


def test_resolve_works_without_a_project(directory: Path) -> None:
    context = kneo("config", "resolve", "--json").json
    assert (context["has_config"], context["spec_path"], context["root_dir"]) == (False, None, str(directory))


def test_secrets_are_told_by_their_variables_and_never_shown() -> None:
    names = "secrets: {provider_env: {openai: SOME_KEY}, extra_env: {'[red]db': OTHER_KEY}}\n"
    write(Path(".kneo/config.yaml"), f"project: {{name: claims}}\n{names}")
    found = kneo("config", "secrets", "--json", SOME_KEY="hush-hush")
    assert found.json["inventory"]["providers"]["openai"] == {"name": "openai", "env_var": "SOME_KEY", "present": True}
    assert found.json["inventory"]["extra"]["[red]db"]["present"] is False
    assert "hush-hush" not in found.out
    told = kneo("config", "secrets", SOME_KEY="hush-hush").out
    assert "[red]db" in told
    assert "hush-hush" not in told


def test_render_spec_writes_what_the_environment_makes_of_a_spec() -> None:
    write(Path(".kneo/config.yaml"), PROJECT)
    write(Path("main.yaml"), GOOD)
    assert kneo("config", "render-spec").status == 2
    assert kneo("config", "render-spec", "-o", "out.yaml").status == 0
    assert load(Path("out.yaml").read_text(), name="out.yaml").data["metadata"]["project"] == "claims"
    write(Path("main.yaml"), BAD)
    assert kneo("config", "render-spec", "-o", "no/where.yaml").status == 3
