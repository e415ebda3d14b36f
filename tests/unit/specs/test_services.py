"""Freezing, storing and loading specs."""

from pathlib import Path
from typing import Any, cast

import pytest
from django.db import transaction
from pytest_django import Settings

from kneo_project.errors import InvalidRequest, NotFound
from specs import services
from specs.errors import SpecInvalid
from specs.models import SpecSnapshot
from specs.services import FrozenSpec, SpecSource, freeze, load_plan, store, validate
from tests.unit.specs.factories import document, marks, sequential, step

FUNCTION = {"functions": {"f": {"implementation": "acme.claims.tidy"}}}

NOT_YET = sequential(
    step(),
    agent={"name": "r", "tools": {"include": ["t"], "permissions": {"allow_network": False}}},
    tools={"t": {"description": "d", "agent": "desk"}},
    components={
        "agents": {"one": {"name": "one"}, "desk": {"name": "desk", "as_agent": "w"}},
        "humans": {"boss": {}},
        "workflows": {"w": {"type": "sequential", "steps": [step(), step("ask", kind="human", ref="boss")]}},
    },
)


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    services.plans.clear()


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    """Return an empty spec root."""
    directory = tmp_path.resolve()
    settings.SPEC_ROOT = directory
    return directory


def frozen(spec: dict[str, Any], **source: Any) -> FrozenSpec:
    return freeze(SpecSource(spec=spec, **source), allowed_functions=None)


def shown(error: SpecInvalid) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", error.data["diagnostics"])


def refusal(spec: dict[str, Any], *, allowed: tuple[str, ...] | None = None, **source: Any) -> dict[str, Any]:
    with pytest.raises(SpecInvalid) as caught:
        freeze(SpecSource(spec=spec, **source), allowed_functions=allowed)
    (diagnostic,) = shown(caught.value)
    return diagnostic


def test_inspecting_gives_the_spec_and_what_there_is_to_say() -> None:
    sound = services.inspect(SpecSource(spec=document(), overrides={"agent": {"name": "other"}}))
    unsound = services.inspect(SpecSource(spec=document(metadata={"x": "\x00"})))

    assert sound.spec is not None
    assert (sound.spec.agent.name, sound.diagnostics) == ("other", ())
    assert (unsound.spec, [found.code for found in unsound.diagnostics]) == (None, ["E_SYNTAX"])


@pytest.mark.django_db
def test_a_frozen_spec_carries_what_was_given_and_its_plan() -> None:
    result = frozen(document(), overrides={"agent": {"name": "other"}}, environment="prod")

    assert result.content == {
        "base": document(),
        "overlays": [],
        "overrides": {"agent": {"name": "other"}},
        "environment": "prod",
    }
    assert result.plan.agent.name == "other"


@pytest.mark.django_db
def test_the_digest_is_that_of_the_content_whatever_the_order_of_keys() -> None:
    backwards = dict(reversed(document().items()))

    assert frozen(document()).digest == frozen(backwards).digest
    assert frozen(document()).digest != frozen(document(), environment="prod").digest
    assert len(frozen(document()).digest) == 64


def test_the_same_spec_is_compiled_once() -> None:
    assert frozen(document()).plan is frozen(document()).plan


def test_a_file_and_its_overlays_are_read_in_order(root: Path) -> None:
    (root / "base.yaml").write_text("version: v1\nagent: {name: a, description: d}\n")
    (root / "one.yaml").write_text("agent: {name: b}\n")
    (root / "two.json").write_text('{"agent": {"name": "c", "description": null}}')
    source = SpecSource(spec_path=str(root / "base.yaml"), overlays=(str(root / "one.yaml"), str(root / "two.json")))

    agent = freeze(source, allowed_functions=None).plan.agent

    assert (agent.name, agent.description) == ("c", None)


def test_an_inline_spec_wins_over_a_path_which_is_not_even_read() -> None:
    assert frozen(document(), spec_path="/nowhere.yaml").plan.agent.name == "root"


def test_without_a_spec_there_is_nothing_to_freeze_or_validate() -> None:
    for use in (lambda: freeze(SpecSource(), allowed_functions=None), lambda: validate(SpecSource())):
        with pytest.raises(InvalidRequest):
            use()


def test_errors_refuse_the_spec_with_all_diagnostics(root: Path) -> None:
    (root / "bad.yaml").write_text("version: v1\nagent: {name: a, strategy: react, skills: [ghost]}\n")

    with pytest.raises(SpecInvalid) as caught:
        freeze(SpecSource(spec_path=str(root / "bad.yaml")), allowed_functions=None)

    assert (caught.value.code, caught.value.status) == ("spec_invalid", 400)
    assert shown(caught.value)[0] == {
        "code": "E_SKILL_REF",
        "severity": "error",
        "message": "Skill 'ghost' of agent 'a' is not declared.",
        "path": "agent.skills",
        "suggestion": "Declare it under skills.",
        "line": 2,
        "column": 35,
    }
    assert [each["code"] for each in shown(caught.value)] == ["E_SKILL_REF", "W_AGENT_MODEL"]


def test_positions_are_not_told_when_layers_may_have_moved_things(root: Path) -> None:
    (root / "base.yaml").write_text("version: v1\nagent: {name: a}\n")
    source = SpecSource(spec_path=str(root / "base.yaml"), overrides={"agent": {"skills": ["ghost"]}})

    (found,) = validate(source)

    assert (found.path, found.line) == ("agent.skills", None)


def test_what_cannot_be_run_is_refused_but_valid() -> None:
    assert refusal(NOT_YET)["code"] == "E_UNSUPPORTED"
    assert validate(SpecSource(spec=NOT_YET)) == []


@pytest.mark.parametrize("allowed", [("acme",), ("acme.claims",), ("other", "acme")])
def test_a_function_of_an_allowed_module_is_accepted(allowed: tuple[str, ...]) -> None:
    plan = freeze(SpecSource(spec=document(components=FUNCTION)), allowed_functions=allowed).plan

    assert list(plan.functions) == ["f"]


@pytest.mark.parametrize("allowed", [(), ("acm",), ("acme.claim",), ("claims",)])
def test_a_function_of_another_module_is_refused_even_when_the_plan_is_known(allowed: tuple[str, ...]) -> None:
    frozen(document(components=FUNCTION))

    found = refusal(document(components=FUNCTION), allowed=allowed)

    assert (found["code"], found["path"]) == ("E_FUNCTION_NOT_ALLOWED", "components.functions.f.implementation")
    assert "KNEO_SERV_FUNCTION_MODULES" in found["suggestion"]


@pytest.mark.parametrize(
    ("spec", "overrides", "path"),
    [
        (document(metadata={"a": float("nan")}), {}, "metadata.a"),
        (document(metadata={"a": "x\0y"}), {}, "metadata.a"),
        (document(metadata={"a": "\ud800"}), {"metadata": None}, "metadata.a"),
        (document(), {"metadata": {"a": 2**70}}, "overrides.metadata.a"),
        (document(), {"metadata": {"a": object()}}, "overrides.metadata.a"),
    ],
)
def test_values_that_cannot_be_stored_are_refused_wherever_they_are(
    spec: dict[str, Any], overrides: dict[str, Any], path: str
) -> None:
    assert refusal(spec, overrides=overrides)["path"] == path
    assert marks(validate(SpecSource(spec=spec, overrides=overrides))) == [("E_SYNTAX", path)]


def test_a_key_that_is_no_text_is_refused() -> None:
    assert refusal(document(metadata={1: 2}))["path"] == "metadata"


@pytest.mark.django_db
def test_a_stored_spec_gives_the_same_plan_in_another_process() -> None:
    original = frozen(sequential("one"), environment="prod")
    store(original)
    services.plans.clear()

    assert load_plan(original.digest) == original.plan


@pytest.mark.django_db
def test_storing_twice_keeps_one_row_and_disturbs_no_transaction() -> None:
    original = frozen(document())

    with transaction.atomic():
        first, second = store(original), store(original)

    assert first == second == SpecSnapshot.objects.get()


@pytest.mark.django_db
def test_a_spec_that_is_not_stored_is_not_found() -> None:
    with pytest.raises(NotFound):
        load_plan("0" * 64)


@pytest.mark.django_db
def test_a_stored_spec_that_this_release_cannot_run_is_refused_with_diagnostics() -> None:
    content: dict[str, Any] = {
        "base": NOT_YET,
        "overlays": [],
        "overrides": {},
        "environment": None,
    }
    SpecSnapshot.objects.create(digest="1" * 64, content=content)

    with pytest.raises(SpecInvalid):
        load_plan("1" * 64)
