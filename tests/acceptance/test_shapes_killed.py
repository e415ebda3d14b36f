"""``kill -9`` of the worker in the middle of every shape: what was done is not done again, what was not is."""

from typing import Any

import pytest

from tests.acceptance.deployment import Deployment
from tests.acceptance.specs import shaped, steps

ONE_TWO_THREE = {"one": 1, "two": 2, "three": 1}
LINE = {
    "type": "graph",
    "start": "one",
    "nodes": {step["id"]: step for step in steps("one", "two", "three")},
    "edges": [{"from": "one", "to": "two"}, {"from": "two", "to": "three"}],
}
INNER = {"type": "sequential", "steps": steps("two", "three")}
NESTED = {"type": "sequential", "steps": steps("one", "sub")}


def among(shape: str, *names: str) -> dict[str, Any]:
    """Return a workflow of participants."""
    return {"type": shape, "participants": steps(*names)}


@pytest.mark.parametrize(
    ("spec", "gate", "starts"),
    [
        pytest.param(shaped(LINE), "two", ONE_TWO_THREE, id="graph"),
        pytest.param(shaped(among("handoff", "one", "two", "three")), "two", ONE_TWO_THREE, id="handoff"),
        pytest.param(shaped(among("group-chat", "one", "two", "three")), "two", ONE_TWO_THREE, id="group-chat"),
        pytest.param(shaped(among("concurrent", "one", "two", "three")), "two", ONE_TWO_THREE, id="concurrent"),
        pytest.param(shaped(NESTED, inner=INNER), "sub/two", {"one": 1, "sub/two": 2, "sub/three": 1}, id="nested"),
    ],
)
def test_only_the_interrupted_step_runs_again(
    deployment: Deployment, spec: dict[str, Any], gate: str, starts: dict[str, int]
) -> None:
    [victim] = deployment.scale(1)
    job = deployment.start(spec)
    deployment.wait_for_start(job.ledger, gate)
    recorded_beside = {"one", "three"} if spec["workflow"]["type"] == "concurrent" else {"one"}
    deployment.wait_for_recorded(job, recorded_beside)
    deployment.scale(2)
    victim.kill()
    job.ledger.open_gate(gate)
    deployment.wait_for(job, "completed")
    assert job.ledger.starts() == starts
