"""Branches that are runs of their own, on real workers: shared among them, and none that was done is done again."""

from typing import Any

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.deployment import Deployment
from tests.acceptance.ledger import Event
from tests.acceptance.steps import ITEMS


def batch(**inner: str) -> dict[str, Any]:
    """Return a spec that does the ``inner`` steps, functions by name, for each of several items."""
    steps = [{"id": name, "kind": "function", "ref": function} for name, function in inner.items()]
    functions = {name: {"implementation": f"tests.acceptance.steps.{name}"} for name in {"several", *inner.values()}}
    return {
        "version": "v1",
        "agent": {"name": "acceptance"},
        "workflow": {
            "type": "sequential",
            "steps": [
                {"id": "split", "kind": "function", "ref": "several"},
                {"id": "items", "kind": "workflow", "ref": "items"},
            ],
        },
        "components": {
            "functions": functions,
            "workflows": {
                "items": {"type": "map", "step": {"id": "item", "kind": "workflow", "ref": "inner"}},
                "inner": {"type": "sequential", "steps": steps},
            },
        },
    }


def test_a_killed_worker_costs_no_item_that_was_done(deployment: Deployment) -> None:
    [victim] = deployment.scale(1)
    job = deployment.start(batch(one="mark", two="gate"))
    deployment.wait_for_start(job.ledger, "items/item/two", times=ITEMS)
    deployment.scale(2)
    victim.kill()
    deployment.wait_for_start(job.ledger, "items/item/two", times=2 * ITEMS)
    job.ledger.open_gate("items/item/two")
    deployment.wait_for(job, "completed")
    assert job.ledger.starts() == {"split": 1, "items/item/one": ITEMS, "items/item/two": 2 * ITEMS}


@ONE_BROKER
def test_branches_are_shared_among_the_workers(deployment: Deployment) -> None:
    workers = deployment.scale(2)
    job = deployment.start(batch(one="nap", two="nap"))
    deployment.wait_for(job, "completed")
    began = job.ledger.entries("items/item/one", Event.BEGAN)
    assert {entry.pid for entry in began} == {worker.pid for worker in workers}
