"""``kill -9`` of the worker in the middle of every shape: what was done is not done again, what was not is."""

from typing import Any

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


SPECS = {
    "graph": shaped(LINE),
    "handoff": shaped(among("handoff", "one", "two", "three")),
    "group-chat": shaped(among("group-chat", "one", "two", "three")),
    "concurrent": shaped(among("concurrent", "one", "two", "three")),
    "nested": shaped(NESTED, inner=INNER),
}
STARTS = dict.fromkeys(SPECS, ONE_TWO_THREE) | {"nested": {"one": 1, "sub/two": 2, "sub/three": 1}}
GATES = dict.fromkeys(SPECS, "two") | {"nested": "sub/two"}
RECORDED = {key: {"one"} for key in SPECS} | {"concurrent": {"one", "three"}}


def test_only_the_interrupted_step_runs_again_in_any_shape(deployment: Deployment) -> None:
    [victim] = deployment.scale(1)
    jobs = {shape: deployment.start(spec) for shape, spec in SPECS.items()}
    for shape, job in jobs.items():
        deployment.wait_for_start(job.ledger, GATES[shape])
        deployment.wait_for_recorded(job, RECORDED[shape])
    deployment.scale(2)
    victim.kill()
    for shape, job in jobs.items():
        job.ledger.open_gate(GATES[shape])
    for job in jobs.values():
        deployment.wait_for(job, "completed")
    assert {shape: job.ledger.starts() for shape, job in jobs.items()} == STARTS
