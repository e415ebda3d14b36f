"""What runs cost, and what ends them before they cost too much."""

from typing import Any

import pytest
from pytest_django import Settings

from kneo_project.prices import NANOS, read_prices
from runs.models import Checkpoint, Run
from tests.integration.driving import advance, spec_of, start, step
from tests.integration.test_agents import served
from tests.integration.test_shapes import among
from tests.integration.test_shapes import spec_of as shaped
from tests.stubs.chat_server import ChatServer

# A call of the stub takes 11 tokens and gives 7.
CALL = 11 * 1000 + 7 * 2000


@pytest.fixture(autouse=True)
def priced(settings: Settings) -> None:
    """Let a token of the stub's model cost a millionth, and two."""
    settings.MODEL_PRICES = read_prices(["small=1/2"])


def two_writers(chat: ChatServer, **fields: Any) -> dict[str, Any]:
    """Return a spec of two agent steps."""
    spec = spec_of(step("one", "writer", "agent", **fields), step("two", "writer", "agent"))
    spec["components"]["agents"]["writer"] = served(chat)
    return spec


def ended(spec: dict[str, Any], **fields: Any) -> Run:
    """Return a run of ``spec``, advanced until it rests."""
    run = start(spec, **fields)
    advance(run)
    return run


def test_a_run_and_its_steps_know_what_they_cost(chat: ChatServer) -> None:
    run = ended(two_writers(chat))
    assert run.cost_nanos == 2 * CALL
    steps = Checkpoint.objects.filter(run=run, type="step_completed")
    assert [step.details["cost"] for step in steps] == [CALL / NANOS] * 2


def test_what_has_no_price_has_no_cost(chat: ChatServer, settings: Settings) -> None:
    settings.MODEL_PRICES = ()
    run = ended(two_writers(chat))
    assert (run.status, run.cost_nanos, run.total_tokens) == ("completed", 0, 36)


@pytest.mark.parametrize(("budget", "asked"), [(1, 1), (CALL, 1), (CALL + 1, 2), (None, 2)])
def test_a_run_is_stopped_before_the_call_that_its_budget_does_not_cover(
    chat: ChatServer, budget: int | None, asked: int
) -> None:
    run = ended(two_writers(chat, on_error="continue"), cost_budget=budget and budget / NANOS)
    assert (len(chat.requests), run.cost_nanos) == (asked, asked * CALL)
    assert (run.status, run.error_type) == (("completed", None) if asked == 2 else ("failed", "CostBudgetExceeded"))


def test_the_operators_budget_counts_where_the_run_has_none(chat: ChatServer, settings: Settings) -> None:
    settings.RUN_COST_BUDGET = CALL / NANOS
    assert ended(two_writers(chat)).error_type == "CostBudgetExceeded"
    assert ended(two_writers(chat), cost_budget=1.0).status == "completed"


def test_a_budget_in_money_is_kept_only_where_the_price_is_known(chat: ChatServer, settings: Settings) -> None:
    settings.MODEL_PRICES = read_prices(["other=1/2"])
    run = ended(two_writers(chat), cost_budget=1.0)
    assert (run.error_type, len(chat.requests)) == ("CostBudgetExceeded", 0)
    assert "'small' has no price" in (run.error_message or "")

    assert ended(spec_of(step("o", "writer", "agent")), cost_budget=1.0).status == "completed"

    named = two_writers(chat)
    named["components"]["agents"]["writer"]["model"]["name"] = "dummy"
    assert ended(named, cost_budget=1.0).error_type == "CostBudgetExceeded"


def test_branches_spend_from_the_budget_of_the_whole(chat: ChatServer, settings: Settings) -> None:
    settings.SPREAD_BRANCHES = 1
    spec = shaped(among("concurrent", step("x", "writer", "agent"), step("y", "writer", "agent"), max_parallel=1))
    spec["components"]["agents"]["writer"] = served(chat)
    run = start(spec, cost_budget=CALL / NANOS)
    while Run.objects.due().exists():
        for each in Run.objects.due():
            advance(each)
    run.refresh_from_db()
    assert (run.status, run.cost_nanos, len(chat.requests)) == ("failed", CALL, 1)
