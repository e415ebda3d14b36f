"""The plans a process remembers."""

from specs.language.agent_plan import AgentPlan
from specs.language.plan import Plan
from specs.plan_cache import PlanCache


def plan(name: str) -> Plan:
    return Plan(agent=AgentPlan(name=name))


def test_the_plan_that_was_not_used_for_longest_makes_room() -> None:
    cache = PlanCache(2)
    cache.put("a", plan("a"))
    cache.put("b", plan("b"))

    cache.get("a")
    cache.put("c", plan("c"))

    assert [cache.get(digest) is not None for digest in "abc"] == [True, False, True]


def test_a_cleared_cache_knows_nothing() -> None:
    cache = PlanCache(2)
    cache.put("a", plan("a"))

    cache.clear()

    assert cache.get("a") is None
