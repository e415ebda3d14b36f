"""``spec resolve``, ``migrate``, ``schema``, ``new`` and ``bundle``: commands that write."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from specs.cli.writing import STARTERS
from specs.language.checking import check
from specs.language.diagnostics import SpecSyntaxError
from specs.language.json_schema import author_schema
from specs.language.parsing import load
from tests.corpus import ROOT
from tests.unit.specs.commands import BAD, GOOD, PROJECT, spec, write

LEGACY = "root_agent: {name: old, model: m}\n"
KEY = {"KNEO_SERV_SPEC_SIGNING_KEY": "k1"}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("legacy.yaml", LEGACY), ("bad.yaml", BAD), ("main.yaml", GOOD)):
        write(tmp_path / name, text)


def read(name: str) -> object:
    return load(Path(name).read_text(), name=name).data


def test_resolve_writes_the_spec_of_the_environment() -> None:
    write(Path(".kneo/config.yaml"), PROJECT)

    spec("resolve", "main.yaml", "--output", "out.yaml")

    assert read("out.yaml")["metadata"] == {"project": "claims", "environment": "dev"}  # type: ignore[index]
    assert spec("resolve", "main.yaml", "--json").json == read("out.yaml")


def test_resolve_writes_nothing_that_the_environment_blocks() -> None:
    write(Path(".kneo/config.yaml"), PROJECT)
    write(Path("prod.yaml"), "agent: {system_prompt: Careful.}\n")

    assert spec("resolve", "main.yaml", "-o", "out.yaml", "--env", "prod").status == 1
    assert not Path("out.yaml").exists()


def test_migrate_writes_v1_and_reports() -> None:
    assert spec("migrate", "legacy.yaml").out == "version: v1\nagent:\n  name: old\n  model: m\ncomponents: {}\n"
    assert spec("migrate", "legacy.yaml", "--json").json == {
        "source_version": None,
        "target_version": "v1",
        "changed": True,
        "applied": ["set version=v1", "renamed root_agent to agent"],
        "spec": {"version": "v1", "agent": {"name": "old", "model": "m"}, "components": {}},
    }


def test_migrate_to_a_file_names_it() -> None:
    assert spec("migrate", "legacy.yaml", "-o", "new.yaml", "--json").json["output"] == "new.yaml"
    assert check(read("new.yaml")) == []


def test_migrate_check_writes_nothing_and_tells_by_its_status() -> None:
    ended = spec("migrate", "legacy.yaml", "--check", "-o", "new.yaml")

    assert (ended.status, ended.out, Path("new.yaml").exists()) == (1, "", False)
    assert spec("migrate", "main.yaml", "--check").status == 0
    assert "spec" not in spec("migrate", "legacy.yaml", "--check", "--json").json


@pytest.mark.parametrize("text", ["version: v9\n", "- x\n", "a: [\n", ""])
def test_what_cannot_be_migrated_is_not_taken_for_what_would_change(text: str) -> None:
    write(Path("odd.yaml"), text)

    ended = spec("migrate", "odd.yaml", "--check", "--json")

    assert (ended.status, ended.failure["error"]) == (3, "invalid_request")


def test_the_schema_is_one_and_knows_the_shorthands() -> None:
    schema = spec("schema").json

    Draft202012Validator.check_schema(schema)
    assert schema == author_schema()


def test_the_published_schema_is_up_to_date() -> None:
    published = ROOT.parents[1] / "docs" / "spec-v1.schema.json"

    assert json.loads(published.read_text()) == author_schema(), "run kneo spec schema -o docs/spec-v1.schema.json"


def documents() -> Iterator[Any]:
    """Yield every spec of the corpus that can be read and is not of before v1."""
    for path in sorted(ROOT.rglob("*.yaml")):
        with contextlib.suppress(SpecSyntaxError):
            data = load(path.read_text(), name=path.name).data
            if data.get("version", "v0") != "v0":
                yield pytest.param(data, id=path.stem)


@pytest.mark.parametrize("data", list(documents()))
def test_the_schema_and_the_validator_agree(data: dict[str, Any]) -> None:
    is_misshapen = bool({found.code for found in check(data)} & {"E_SCHEMA", "E_VERSION"})

    assert Draft202012Validator(author_schema()).is_valid(data) is not is_misshapen


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_has_nothing_to_remark(name: str) -> None:
    assert spec("new", "mine.yaml", "--template", name).status == 0
    assert spec("lint", "mine.yaml").status == 0


def test_new_replaces_a_file_only_when_told() -> None:
    assert spec("new", "main.yaml").status == 3
    assert Path("main.yaml").read_text() == GOOD
    assert spec("new", "main.yaml", "--force").status == 0
    assert spec("new", "other.yaml", "--template", "ghost").status == 2


def test_a_place_that_cannot_be_written_is_told() -> None:
    assert spec("new", "no/such/directory.yaml").status == 3


def test_a_bundle_is_signed_and_verified() -> None:
    signed = spec("bundle", "sign", "legacy.yaml", "-o", "b.json", "--approved-by", "ada", "--json", **KEY)
    bundle = json.loads(Path("b.json").read_text())
    verified = spec("bundle", "verify", "b.json", "--json", **KEY)

    assert signed.json == {
        "output": "b.json",
        "digest": bundle["digest"]["value"],
        "signature": {"algorithm": "HMAC-SHA256", "key_id": "KNEO_SERV_SPEC_SIGNING_KEY"},
    }
    assert verified.json == {"valid": True, "digest_valid": True, "signature_valid": True, "errors": []}
    assert bundle["metadata"]["created_at"].endswith("+00:00")


def test_a_bundle_signed_with_another_key_does_not_verify() -> None:
    spec("bundle", "sign", "main.yaml", "-o", "b.json", "--approved-by", "ada", **KEY)

    ended = spec("bundle", "verify", "b.json", "--key-env", "OTHER", OTHER="k2")

    assert ended.status == 1
    assert ended.out.splitlines()[-1] == "b.json: not what was signed"


def test_an_invalid_spec_is_not_signed() -> None:
    ended = spec("bundle", "sign", "bad.yaml", "-o", "b.json", "--approved-by", "ada", "--json", **KEY)

    assert (ended.status, ended.failure["error"], Path("b.json").exists()) == (1, "spec_invalid", False)


def test_signing_needs_a_key_and_a_name() -> None:
    assert spec("bundle", "sign", "main.yaml", "-o", "b", "--approved-by", "ada", "--key-env", "UNSET_KEY").status == 3
    assert spec("bundle", "sign", "main.yaml", "-o", "b", "--approved-by", " ", **KEY).status == 2


@pytest.mark.parametrize("text", ["[]", "{", "not json"])
def test_what_is_no_bundle_cannot_be_verified(text: str) -> None:
    write(Path("b.json"), text)

    assert spec("bundle", "verify", "b.json", **KEY).status == 3
