"""A project's settings: where they are found, and what they do to a spec."""

from pathlib import Path
from typing import Any

import pytest

from kneo_project.errors import InvalidRequest
from specs.errors import ProjectConfigInvalid
from specs.language.checking import check
from specs.language.project import ProjectConfig
from specs.language.resolving import resolve
from specs.project import find_project
from specs.setting import setting_of
from tests.unit.specs.factories import document

MINIMAL = "project: {name: claims}\n"
FILES = (".kneo/config.yaml", ".kneo/config.yml", "kneo_serv.yaml", "kneo_serv.yml")


def write(path: Path, text: str = MINIMAL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def config(**sections: Any) -> ProjectConfig:
    return ProjectConfig.model_validate({"project": {"name": "claims"}, **sections})


def resolved(base: dict[str, Any], environment: str = "dev", **sections: Any) -> dict[str, Any]:
    return resolve(base, [], config(**sections), environment)


@pytest.mark.parametrize("name", FILES)
def test_settings_are_found_from_below_and_paths_start_at_the_root(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    project = find_project(below)

    assert project is not None
    assert project.root == tmp_path.resolve()


def test_the_names_are_preferred_in_order_and_the_nearest_directory_wins(tmp_path: Path) -> None:
    for name in FILES:
        write(tmp_path / name, f"project: {{name: '{name}'}}\n")
    write(tmp_path / "inner" / FILES[-1], "project: {name: inner}\n")

    outer, inner = find_project(tmp_path), find_project(tmp_path / "inner")

    assert outer is not None
    assert outer.config.project.name == FILES[0]
    assert inner is not None
    assert inner.config.project.name == "inner"


def test_a_named_file_wins_over_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / FILES[0])
    named = write(tmp_path / "elsewhere.yaml", "project: {name: named}\n")

    project = find_project(tmp_path, named=str(named))

    assert project is not None
    assert project.config.project.name == "named"


def test_no_settings_are_no_project(tmp_path: Path) -> None:
    assert find_project(tmp_path) is None


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="not found"):
        find_project(tmp_path, named=str(tmp_path / "missing.yaml"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("service: {}\n", "project: Field required"),
        ("project: {name: x}\nretention: {runs_days: -1}\n", "retention.runs_days"),
        ("project: [\n", "config.yaml:2"),
        ("- x\n", "mapping"),
    ],
)
def test_wrong_settings_are_explained(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path / FILES[0], text)

    with pytest.raises(ProjectConfigInvalid) as caught:
        find_project(tmp_path)

    assert words in caught.value.message


def test_unknown_keys_change_nothing_and_are_named() -> None:
    found = config(
        servce={}, environments={"prod": {"policy_enforcement": {"require_guardrails": True, "require_human": True}}}
    )
    policy = found.policy_of("prod")

    assert list(found.ignored_keys()) == ["servce", "environments.prod.policy_enforcement.require_human"]
    assert policy is not None
    assert policy.require_guardrails is True


def test_without_a_project_only_overlays_are_laid_over() -> None:
    assert resolve(document(), [{"metadata": {"a": 1}}], None, "prod") == document(metadata={"a": 1})


def test_a_project_signs_its_specs_unless_the_author_did() -> None:
    assert resolved(document(), "prod")["metadata"] == {"project": "claims", "environment": "prod"}
    own = document(metadata={"project": "mine", "environment": "stage", "note": 1})
    assert resolved(own, "prod")["metadata"] == own["metadata"]


def test_project_defaults_are_recorded() -> None:
    recorded = resolved(document(), policy_defaults={"logging": {"level": "debug"}})["policies"]["project_defaults"]

    assert recorded["logging"] == {"level": "debug"}
    assert recorded["checkpointing"] == {"enabled": True, "mode": "step"}


MODELS = {"dev": {"provider": "openai", "name": "small", "extra": {"a": 1, "b": 2}}, "prod": {"temperature": 0.1}}


@pytest.mark.parametrize(
    ("written", "environment", "expected"),
    [
        (None, "dev", {"provider": "openai", "name": "small", "extra": {"a": 1, "b": 2}}),
        ({"provider": "p", "name": "n"}, "prod", {"provider": "p", "name": "n", "temperature": 0.1}),
        (
            {"provider": "p", "name": "n", "extra": {"a": 9}},
            "dev",
            {"provider": "p", "name": "n", "extra": {"a": 9, "b": 2}},
        ),
        ("large", "dev", {"provider": "openai", "name": "large", "extra": {"a": 1, "b": 2}}),
        ("large", "prod", {"provider": "default", "name": "large", "temperature": 0.1}),
        ("large", "test", "large"),
    ],
)
def test_a_model_is_filled_in_where_the_author_is_silent(written: object, environment: str, expected: object) -> None:
    base = document()
    if written is not None:
        base["agent"] = {"name": "root", "model": written}

    found = resolved(base, environment, model_defaults=MODELS)

    assert found["agent"]["model"] == expected
    assert check(found) == []


def test_half_a_model_is_not_given_to_an_agent_without_one() -> None:
    found = resolved(document(), "prod", model_defaults=MODELS)

    assert "model" not in found["agent"]
    assert check(found) == []


def test_null_says_none_and_is_not_filled_in() -> None:
    base = document() | {"agent": {"name": "root", "model": None}}

    assert resolved(base, model_defaults=MODELS)["agent"]["model"] is None


def test_only_stated_runtime_defaults_are_filled_in() -> None:
    native = document() | {"agent": {"name": "root", "runtime_preferences": {"preferred_mode": "native"}}}

    assert resolved(native)["agent"] == native["agent"]
    found = resolved(native, runtime_defaults={"preferred_mode": "bridge", "native_provider": "openai"})
    assert found["agent"]["runtime_preferences"] == {"preferred_mode": "native", "native_provider": "openai"}


def test_a_legacy_spec_is_migrated_before_defaults_are_filled_in() -> None:
    found = resolved({"root_agent": {"name": "old"}}, model_defaults=MODELS)

    assert found["agent"]["model"]["name"] == "small"
    assert check(found) == []


def test_an_agent_that_is_a_workflow_is_given_no_model_and_no_runtime() -> None:
    components = {
        "agents": {"a": {"name": "a"}},
        "workflows": {"w": {"type": "sequential", "steps": [{"id": "a", "kind": "agent", "ref": "a"}]}},
    }
    base = document(components=components) | {"agent": {"name": "root", "as_agent": "w"}}
    defaults = {"agent": {"memory": {"policy": "full"}, "description": "d"}}

    found = resolved(
        base,
        model_defaults=MODELS,
        runtime_defaults={"preferred_mode": "bridge"},
        environments={"dev": {"defaults": defaults}},
    )

    assert found["agent"] == {"name": "root", "as_agent": "w", "description": "d"}
    assert check(found) == []


def test_defaults_of_the_environment_lie_under_the_spec() -> None:
    defaults = {"agent": {"system_prompt": "Be brief.", "name": "other"}, "metadata": {"team": "x"}}

    found = resolved(document(), environments={"dev": {"defaults": defaults}})

    assert found["agent"] == {"name": "root", "system_prompt": "Be brief."}
    assert found["metadata"]["team"] == "x"


@pytest.mark.parametrize("agent", [None, [], "x", {"name": "r", "model": []}, {"name": "r", "runtime_preferences": 5}])
def test_wrong_types_are_left_for_the_schema_to_refuse(agent: object) -> None:
    found = resolved(
        document(metadata=[]) | {"agent": agent}, model_defaults=MODELS, runtime_defaults={"preferred_mode": "bridge"}
    )

    assert [diagnostic.code for diagnostic in check(found)] == ["E_SCHEMA"]


def test_overlays_of_the_environment_are_read_from_the_root_and_missing_ones_skipped(tmp_path: Path) -> None:
    write(tmp_path / FILES[0], "project: {name: x}\nspecs: {overlays: {prod: [prod.yaml, missing.yaml]}}\n")
    write(tmp_path / "prod.yaml", "agent: {system_prompt: Careful.}\n")
    project = find_project(tmp_path)
    assert project is not None

    setting = setting_of(project, "prod")

    assert setting.overlays == [{"agent": {"system_prompt": "Careful."}}]
    assert project.missing_overlays("prod") == [tmp_path.resolve() / "missing.yaml"]


def test_the_environment_is_the_named_one_else_that_of_the_project_else_dev(tmp_path: Path) -> None:
    write(tmp_path / FILES[0], "project: {name: x, default_environment: stage}\n")
    project = find_project(tmp_path)

    assert [setting_of(project, "prod").environment, setting_of(project).environment] == ["prod", "stage"]
    assert setting_of(None).environment == "dev"


def test_an_overlay_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path / FILES[0], "project: {name: x}\nspecs: {overlays: {dev: [bad.yaml]}}\n")
    write(tmp_path / "bad.yaml", "a: [\n")

    with pytest.raises(InvalidRequest, match=r"bad\.yaml, line 2"):
        setting_of(find_project(tmp_path))
