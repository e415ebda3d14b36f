"""The API, on spec files and bodies that do harm."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from runs.models import Run
from tests.api.conftest import Api
from tests.api.specs import agent
from tests.hostile import BAD, LARGE, write_all

QUESTIONS = ("validate", "compile", "explain", "graph", "policy-report")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a directory of such files."""
    write_all(tmp_path)
    (tmp_path / "out.yaml").symlink_to("/etc/hostname")
    monkeypatch.chdir(tmp_path)
    with override_settings(SPEC_ROOT=tmp_path.resolve()):
        yield tmp_path


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_about_every_file_is_answered_in_words(api: Api, question: str) -> None:
    for name in {**BAD, **LARGE}:
        response = api.client.post(f"/v1/specs/{question}", {"spec_path": name}, "application/json")
        assert response.status_code in {200, 400}, name
        assert len(response.content) < 5_000_000, name


def test_no_run_comes_of_them(api: Api, root: Path) -> None:
    for name in BAD:
        refused = api.post("/runs", {"input": "hi", "spec_path": name}, 400)["detail"]
        assert refused["error"] == "spec_invalid"
        assert str(root) not in json.dumps(refused)
    assert not Run.objects.exists()


@pytest.mark.parametrize("path", ["out.yaml", "../x.yaml", "~/x.yaml", "/etc/hostname"])
@pytest.mark.parametrize("key", ["spec_path", "overlays"])
def test_nothing_outside_the_root_is_read(api: Api, key: str, path: str) -> None:
    body: dict[str, Any] = {"spec": agent(), "overlays": [path]} if key == "overlays" else {"spec_path": path}
    refused = json.dumps(api.post("/specs/validate", body, 422)["detail"])
    assert "spec_path_confined" in refused or "value_error" in refused
    assert Path("/etc/hostname").read_text().strip() not in refused


def test_an_inline_spec_wins_over_a_path(api: Api) -> None:
    assert api.post("/specs/validate", {"spec": agent(), "spec_path": "missing.yaml"})["valid"] is True


def test_a_spec_that_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    spec = agent() | {"metadata": {"filler": "x" * 300_000}}
    for question in QUESTIONS:
        detail = api.post(f"/specs/{question}", {"spec": spec}, 422)["detail"]
        assert detail[0]["loc"] == ["body", "spec"]
