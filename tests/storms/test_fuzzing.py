"""Whatever is done to a spec, it is judged in words: minutes of it by ``make verify``, seconds in every run."""

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from specs.language.checking import examine
from specs.language.codes import MEANINGS
from specs.language.compiling import compile_spec
from specs.language.diagnostics import CompileError, SpecSyntaxError
from specs.language.drawing import draw
from specs.language.explaining import summarise
from specs.language.migrating import migrate, unknown_version
from specs.language.parsing import load
from specs.language.policy_report import policy_report
from specs.language.rendering import render
from tests.storms.mutations import mutated_documents, mutated_texts

UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def judge(document: dict[str, Any]) -> None:
    """Ask everything that can be asked about ``document``."""
    if unknown_version(document) is None:
        once = migrate(document).data
        assert migrate(once).data == once
    examination = examine(document)
    assert all(diagnostic.code in MEANINGS and diagnostic.message for diagnostic in examination.diagnostics)
    assert policy_report(examination)["valid"] is not bool(examination.errors)
    if examination.spec is None or examination.errors:
        assert examination.errors
        return
    assert summarise(examination.spec).root_agent
    assert draw(examination.spec).as_dict()
    with contextlib.suppress(CompileError):  # this release cannot run it, and said so
        compile_spec(examination.spec)
    assert load(render(document), name="spec.yaml").data == document


def judge_text(text: str) -> None:
    """Ask everything that can be asked about ``text``, if it can be read; else it is said where it cannot."""
    try:
        document = load(text, name="spec.yaml")
    except SpecSyntaxError as error:
        unreadable = error.diagnostics
    else:
        judge(dict(document.data))
        return
    assert all(diagnostic.code in MEANINGS and diagnostic.line for diagnostic in unreadable)


@given(mutated_texts())
@settings(max_examples=300, deadline=None, suppress_health_check=UNHURRIED)
def test_a_changed_text_is_judged(text: str) -> None:
    judge_text(text)


@pytest.mark.storm
@given(mutated_texts())
@settings(max_examples=30_000, deadline=None, suppress_health_check=UNHURRIED)
def test_many_changed_texts_are_judged(text: str) -> None:
    judge_text(text)


@given(mutated_documents())
@settings(max_examples=300, deadline=None, suppress_health_check=UNHURRIED)
def test_a_changed_spec_is_judged(document: dict[str, Any]) -> None:
    judge(document)


@pytest.mark.storm
@given(mutated_documents())
@settings(max_examples=60_000, deadline=None, suppress_health_check=UNHURRIED)
def test_many_changed_specs_are_judged(document: dict[str, Any]) -> None:
    judge(document)
