"""The examples are valid, run with what a new installation allows, and their functions do what they say."""

import json
from pathlib import Path

import pytest

import specs.examples
from humantasks.rules import Answer, Decision
from runs.engine.lifecycle import Status
from specs.examples.functions import add_cost_centre, extract_order, tidy
from specs.language.checking import check
from specs.language.compiling import compile_plan
from specs.language.parsing import load
from specs.language.plan import OnReject, Plan, Shape, StepKind
from tests.offline import OfflineRun, rests
from tests.stubs.chat_server import ChatServer

DIRECTORY = Path(specs.examples.__path__[0])
INPUTS = {"expense_approval": "Train to Graz, 120.50 EUR", "retry_and_fallback": "3 x paper"}
BATCH = "Train to Graz, 120.50 EUR\n\nDinner, 30 EUR\n"
EXAMPLES = sorted(DIRECTORY.glob("*.yaml"))
# Those whose models answer without any network.
OFFLINE = [path for path in EXAMPLES if path.stem != "local_model"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_nothing_to_remark_and_compiles(path: Path) -> None:
    document = load(path.read_text(), name=path.name)

    plan = compile_plan(document.data)
    named = [each.implementation for each in plan.functions.values()]
    named += [each.implementation for each in plan.tools.values() if each.implementation]

    assert check(document.data) == []
    assert all(path.startswith("specs.examples.") for path in named)


@pytest.mark.parametrize("path", OFFLINE, ids=lambda path: path.stem)
def test_an_example_runs_to_its_end_when_everything_is_approved(path: Path) -> None:
    plan = compile_plan(load(path.read_text(), name=path.name).data)
    *_, end = rests(OfflineRun.of(plan, INPUTS.get(path.stem, "Hello there"), modules=("specs.examples",)))

    assert (end.status, end.fault) == (Status.COMPLETED, None)
    assert end.output_text


def test_the_examples_show_every_shape_and_every_kind_of_step() -> None:
    plans = [compile_plan(load(path.read_text(), name=path.name).data) for path in EXAMPLES]
    workflows = [each for plan in plans for each in (plan.workflow, *plan.workflows.values()) if each]

    assert len(EXAMPLES) >= 12
    assert {workflow.shape for workflow in workflows} == set(Shape)
    assert {step.kind for workflow in workflows for step in workflow.steps} == set(StepKind)


def test_the_engineer_on_call_may_send_a_fix_back() -> None:
    run = OfflineRun.of(plan_of("incident_response"), "A severe alert")
    run.answer(Answer(request_id="", decision=Decision.REJECTED, content="severe: no"))
    run.answer()

    assert run.visited() == ["assess", "propose", "on-call", "propose", "on-call", "close"]


def test_an_order_that_cannot_be_read_goes_to_a_person() -> None:
    modules = ("specs.examples",)
    assert OfflineRun.of(plan_of("order_intake"), "3 x paper", modules=modules).visited() == ["read", "confirm"]
    unread = OfflineRun.of(plan_of("order_intake"), "Hello", modules=modules)
    unread.answer(Answer(request_id="", decision=Decision.PROVIDED, content="2 x pens"))

    assert (unread.visited(), unread.output_text) == (["read", "ask", "confirm"], "Final answer: 2 x pens")


def test_a_privileged_tool_is_used_only_once_somebody_has_signed() -> None:
    modules = ("specs.examples",)
    run = OfflineRun.of(plan_of("privileged_tool"), "search for travel by train", modules=modules)
    assert run.visited() == []
    run.answer()
    found = 'Final answer based on tool results: {"cost_centre": "7100 travel"}'
    assert run.output_text == found

    refused = OfflineRun.of(plan_of("privileged_tool"), "search", modules=modules)
    refused.answer(Answer(request_id="", decision=Decision.REJECTED))
    assert (refused.status, refused.visited()) == (Status.FAILED, [])


def test_a_guarded_desk_minds_its_tone_and_keeps_numbers_to_itself() -> None:
    modules = ("specs.examples",)
    assert "dear" in (OfflineRun.of(plan_of("guarded_desk"), "damn", modules=modules).output_text or "")
    card = OfflineRun.of(plan_of("guarded_desk"), "1234567812345678", modules=modules)
    assert "1234567812345678" not in (card.output_text or "1234567812345678")


@pytest.mark.parametrize(("large", "way"), [(True, ["assess", "board", "pay"]), (False, ["assess", "pay"])])
def test_a_claim_goes_on_by_what_the_form_says(way: list[str], *, large: bool) -> None:
    run = OfflineRun.of(plan_of("claim_assessment"), "A broken window")
    run.answer(Answer(request_id="", decision=Decision.APPROVED, form={"amount": 700, "large": large}))
    if large:
        run.answer()

    assert (run.status, run.visited()) == (Status.COMPLETED, way)


def test_who_does_not_pay_is_reminded() -> None:
    run = OfflineRun.of(plan_of("payment_reminder"), "Hello")

    assert run.visited() == ["invoice", "cooling-off", "paid", "remind"]


def plan_of(name: str) -> Plan:
    return compile_plan(load((DIRECTORY / f"{name}.yaml").read_text(), name=name).data)


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


def test_a_batch_of_invoices_is_booked_one_by_one() -> None:
    run = OfflineRun.of(plan_of("invoice_batch"), BATCH, modules=("specs.examples",))

    [booked] = [record.output_text for record in run.records if record.path == "invoices"]
    assert [each.splitlines()[-1] for each in json.loads(booked or "")] == [
        "Cost centre: 7100 travel",
        "Cost centre: 7300 meals",
    ]


def test_the_example_of_a_local_model_asks_the_server_it_names() -> None:
    data = load((DIRECTORY / "local_model.yaml").read_text(), name="local_model.yaml").data
    with ChatServer() as server:
        data["components"]["agents"]["assistant"]["model"]["extra"]["base_url"] = server.base_url
        run = OfflineRun.of(compile_plan(data), "Who are you?")

    assert run.output_text == "echo: Who are you?"
    assert (server.requests[0].body["model"], server.requests[0].authorization) == ("llama3.2", None)
