"""Which answer fits a form, and what flows on after it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humantasks.rules import Answer, Decision, form_misfit, text_after

SECRET = "hunter2"
FORM = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "maximum": 100},
        "kind": {"enum": ["travel", "training"]},
        "note": {"type": "string", "maxLength": 3, "pattern": "^[a-z]*$"},
        "parts": {"type": "array", "items": {"type": "integer"}, "maxItems": 2, "uniqueItems": True},
    },
    "required": ["amount"],
}


def answer(decision: Decision, form: dict[str, Any] | None = None, content: str | None = None) -> Answer:
    return Answer(request_id="r", decision=decision, form=form, content=content)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)


@given(st.dictionaries(st.sampled_from([*FORM["properties"], "other"]), values))
def test_an_answer_fits_or_is_refused_without_repeating_it(form: dict[str, Any]) -> None:
    misfit = form_misfit(answer(Decision.APPROVED, form), FORM)
    if misfit is None:
        assert isinstance(form["amount"], int | float)
    else:
        assert misfit.field.startswith("form")
        assert SECRET not in misfit.message


@pytest.mark.parametrize("decision", [each for each in Decision if each is not Decision.REJECTED])
def test_a_form_is_wanted_of_everybody_who_does_not_reject(decision: Decision) -> None:
    assert form_misfit(answer(decision), FORM) is not None
    assert form_misfit(answer(Decision.REJECTED), FORM) is None


@pytest.mark.parametrize("decision", Decision)
def test_a_form_that_nobody_asked_for_is_refused(decision: Decision) -> None:
    assert form_misfit(answer(decision, {}), None) is not None
    assert form_misfit(answer(decision), None) is None


@pytest.mark.parametrize(
    ("decision", "content", "flows_on"),
    [
        (Decision.APPROVED, None, "asked"),
        (Decision.APPROVED, "said", "asked"),
        (Decision.REJECTED, "said", "Rejected by human reviewer: said"),
        (Decision.SELECTED, None, "asked"),
        (Decision.EDITED, "said", "said"),
        (Decision.PROVIDED, "said", "said"),
        (Decision.EDITED, None, '{"amount": 5, "note": "ä"}'),
        (Decision.PROVIDED, "", '{"amount": 5, "note": "ä"}'),
    ],
)
def test_a_form_flows_on_where_words_were_wanted_and_not_given(
    decision: Decision, content: str | None, flows_on: str
) -> None:
    assert text_after(answer(decision, {"amount": 5, "note": "ä"}, content), "asked") == flows_on


@given(st.dictionaries(st.text(), values))
def test_what_flows_on_is_the_form(form: dict[str, Any]) -> None:
    assert json.loads(text_after(answer(Decision.PROVIDED, form), "asked")) == form
