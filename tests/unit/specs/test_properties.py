"""The validator has an answer for everything, in bounded time."""

import time
import timeit
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from specs.language.checking import check, examine
from specs.language.compiling import compile_plan
from specs.language.diagnostics import Diagnostic, SpecError
from specs.language.drawing import draw
from specs.language.explaining import summarise
from specs.language.migrating import migrate
from specs.language.normalising import normalise
from specs.language.parsing import load
from specs.language.policy_report import policy_report
from specs.language.project import ProjectConfig
from specs.language.rendering import render
from specs.language.resolving import resolve
from specs.language.schema import Spec
from tests.unit.specs.factories import sequential, step

WORDS = st.sampled_from(
    sorted({key for block in Spec.model_json_schema()["$defs"].values() for key in block.get("properties", ())})
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
KEYS = WORDS | st.text(max_size=5)
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))
STEPS = st.fixed_dictionaries(
    {"id": WORDS, "kind": st.sampled_from(["agent", "function", "workflow", "human", "guardrail"]), "ref": WORDS},
    optional={"enabled": st.booleans(), "on_error": st.sampled_from(["fail", "fallback"]), "fallback_ref": WORDS},
)
WORKFLOWS = st.fixed_dictionaries(
    {"type": st.just("sequential"), "steps": st.lists(STEPS, max_size=4)}
) | st.fixed_dictionaries(
    {
        "type": st.just("graph"),
        "start": WORDS,
        "nodes": st.dictionaries(WORDS, STEPS, max_size=4),
        "edges": st.lists(st.fixed_dictionaries({"from": WORDS, "to": WORDS}), max_size=4),
    }
)
DOCUMENTS = st.fixed_dictionaries(
    {"version": st.sampled_from(["v1", "v0", None]), "agent": st.fixed_dictionaries({"name": WORDS}) | ANYTHING},
    optional={
        "workflow": WORKFLOWS | ANYTHING,
        "components": st.fixed_dictionaries({"workflows": st.dictionaries(WORDS, WORKFLOWS, max_size=3)}) | ANYTHING,
        "tools": ANYTHING,
        "metadata": ANYTHING,
    },
)


PLAIN = (
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
TRICKY = st.sampled_from(
    ["yes", "off", "null", "~", "<<", "=", "1e3", "0o7", "1_000", "2026-01-02", "- a", "a: b", "#", " "]
)
TREES = st.recursive(
    PLAIN | TEXTS | TRICKY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | TRICKY, inner, max_size=4),
)
MAPPINGS = st.dictionaries(TEXTS | TRICKY, TREES, max_size=5)
LEGACY = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from(["v0", "v1", None]),
        "agent": ANYTHING,
        "root_agent": ANYTHING,
        "workflow": WORKFLOWS | ANYTHING,
        "root_workflow": WORKFLOWS | ANYTHING,
        "components": st.fixed_dictionaries({}, optional={"workflows": ANYTHING, "agents": ANYTHING}) | ANYTHING,
        "component_agents": ANYTHING,
        "component_workflows": ANYTHING,
        "functions": ANYTHING,
    },
)
PROJECT = ProjectConfig.model_validate(
    {
        "project": {"name": "p"},
        "runtime_defaults": {"preferred_mode": "bridge"},
        "model_defaults": {"dev": {"provider": "p", "name": "n"}},
        "environments": {"dev": {"defaults": {"agent": {"description": "d", "memory": {"policy": "full"}}}}},
    }
)


def outcome_of[T](attempt: Callable[[], T]) -> tuple[T | None, tuple[Diagnostic, ...]]:
    """Return what came of ``attempt``, or the diagnostics that refused it."""
    try:
        return attempt(), ()
    except SpecError as error:
        return None, error.diagnostics


@given(ANYTHING)
def test_any_value_is_judged(data: object) -> None:
    assert all(diagnostic.message for diagnostic in check(data))


@given(DOCUMENTS)
@settings(max_examples=300)
def test_whatever_looks_like_a_spec_is_judged_and_compiles_only_without_errors(data: dict[str, Any]) -> None:
    has_errors = any(diagnostic.is_error for diagnostic in check(data))
    plan, refused = outcome_of(lambda: compile_plan(data))

    assert refused or (plan is not None and not has_errors)


@given(st.text(), st.sampled_from(["spec.yaml", "spec.json"]))
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    document, refused = outcome_of(lambda: load(text, name=name))

    assert refused or (document is not None and isinstance(document.data, dict))


@given(st.text(alphabet="ab:-[]{}&*!|>?#'\"%@,<=~. \n\t0123"))
@settings(max_examples=500)
def test_any_text_that_looks_like_yaml_is_read_or_refused(text: str) -> None:
    document, refused = outcome_of(lambda: load(text, name="spec.yaml"))

    assert refused or (document is not None and isinstance(document.data, dict))


@given(LEGACY)
def test_migrating_twice_is_migrating_once(data: dict[str, Any]) -> None:
    once = migrate(data).data

    assert migrate(once).data == once
    assert migrate(once).applied == ()


@given(DOCUMENTS | LEGACY)
def test_normalising_twice_is_normalising_once(data: dict[str, Any]) -> None:
    once = normalise(migrate(data).data)

    assert normalise(once) == once


@given(MAPPINGS)
@settings(max_examples=500)
def test_what_is_rendered_reads_back_as_the_same(data: dict[str, Any]) -> None:
    assert load(render(data), name="spec.yaml").data == data


@given(DOCUMENTS)
@settings(max_examples=300)
def test_whatever_is_valid_can_be_summed_up_drawn_and_reported(data: dict[str, Any]) -> None:
    examination = examine(data)

    assert policy_report(examination)["valid"] is (not examination.errors)
    if examination.spec is not None and not examination.errors:
        view = draw(examination.spec)
        assert {edge.target for edge in view.edges} <= {node.id for node in view.nodes}
        assert summarise(examination.spec).root_agent


@given(DOCUMENTS)
@settings(max_examples=300)
def test_project_defaults_never_make_a_valid_spec_invalid(data: dict[str, Any]) -> None:
    if any(diagnostic.is_error for diagnostic in check(data)):
        return

    assert not any(diagnostic.is_error for diagnostic in check(resolve(data, [], PROJECT, "dev")))


def seconds_to_check(steps: int) -> float:
    """Return the shortest of three times of this process: others may be busy on this machine."""
    data = sequential(*[step(f"s{n}", ref=f"ghost{n}", fallback_ref=f"s{steps - n}") for n in range(steps)])
    return min(timeit.repeat(lambda: check(data), timer=time.process_time, number=1, repeat=3))


def test_checking_grows_in_proportion_to_the_steps() -> None:
    assert seconds_to_check(8_000) < 20 * max(seconds_to_check(1_000), 0.01)
