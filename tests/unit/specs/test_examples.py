"""The examples are valid, run with what a new installation allows, and their functions do what they say."""

from pathlib import Path

import pytest

import specs.examples
from specs.examples.functions import add_cost_centre, extract_order, tidy
from specs.language.checking import check
from specs.language.compiling import compile_plan
from specs.language.parsing import load
from specs.language.plan import OnReject, StepKind

DIRECTORY = Path(specs.examples.__path__[0])
EXAMPLES = sorted(DIRECTORY.glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_nothing_to_remark_and_compiles(path: Path) -> None:
    document = load(path.read_text(), name=path.name)

    assert check(document.data) == []
    assert all(
        function.implementation.startswith("specs.examples.")
        for function in compile_plan(document.data).functions.values()
    )


def test_the_expense_claim_is_signed_before_it_is_booked() -> None:
    plan = compile_plan(load((DIRECTORY / "expense_approval.yaml").read_text(), name="x.yaml").data)

    assert plan.workflow is not None
    kinds = [step.kind for step in plan.workflow.steps]
    assert kinds == [StepKind.AGENT, StepKind.FUNCTION, StepKind.HUMAN, StepKind.AGENT]
    assert plan.humans["manager"].on_reject is OnReject.FAIL


def test_the_cost_centre_follows_from_the_words_of_the_claim() -> None:
    assert add_cost_centre("Train to Graz, 120,50 eur") == (
        "Train to Graz, 120,50 eur\nAmount: 120.50 EUR\nCost centre: 7100 travel"
    )
    assert add_cost_centre("Pens 3 EUR").endswith("Cost centre: 7900 other")


def test_a_claim_without_an_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="amount"):
        add_cost_centre("Train to Graz")


def test_an_order_is_found_in_a_sentence() -> None:
    assert extract_order("Please send 3 x paper!") == "3 x paper"
    with pytest.raises(ValueError, match="order"):
        extract_order("hello")


def test_tidying_twice_changes_nothing() -> None:
    assert tidy(" a \n b ") == tidy(tidy(" a \n b ")) == "a b"
