"""Every shape times every fault, on real workers: what was finished is never done again, and the output is the same.

A group of cells shares its workers, so that one killed worker is a fault for all shapes at once.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pytest

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.conditions import until
from tests.acceptance.deployment import Deployment, Job
from tests.acceptance.matrix import held
from tests.acceptance.shapes import NAMES, SHAPES, Shape
from tests.acceptance.sites import Site
from tests.acceptance.specs import sequence

pytestmark = ONE_BROKER
PLACES = range(len(NAMES) + 1)
HELD = "two"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run of one shape."""

    shape: Shape
    job: Job
    human_at: int | None = None

    def open_gates(self, *but: str) -> None:
        """Let every step pass its gate, ``but`` those."""
        for name in NAMES:
            if name not in but:
                self.job.ledger.open_gate(self.shape.path(name))


def begin(deployment: Deployment, *but: str, human_at: int | None = None, **fields: object) -> dict[str, Cell]:
    """Start a run of every shape whose gates are open, ``but`` those."""
    cells = {}
    for name, shape in SHAPES.items():
        job = deployment.start(shape.spec(human_at), **fields)
        cells[name] = Cell(shape=shape, job=job, human_at=human_at)
        cells[name].open_gates(*but)
    return cells


def wait_until_held(deployment: Deployment, cells: Mapping[str, Cell], step: str) -> None:
    """Wait until ``step`` is under way in every cell, and everything that could be finished is recorded."""
    for cell in cells.values():
        deployment.wait_for_start(cell.job.ledger, cell.shape.path(step), times=cell.shape.at_once)
        if cell.shape is SHAPES["concurrent"]:
            deployment.wait_for_recorded(cell.job, {*NAMES} - {step})


def problems(
    deployment: Deployment, fault: str, cells: Mapping[str, Cell], *, again: str | None = None
) -> Iterator[str]:
    """Yield what is wrong in cells whose runs are to complete, the step ``again`` being done once more."""
    for name, cell in cells.items():
        deployment.wait_for(cell.job, "completed", within=60)
        expected = cell.shape.starts()
        if again is not None:
            expected[cell.shape.path(again)] += cell.shape.at_once
        starts, output = Counter(cell.job.ledger.starts()), deployment.api.run(cell.job.run_id)["output_text"]
        if starts != expected:
            yield f"{name}, {fault}: steps began {dict(starts)}, not {dict(expected)}"
        if output != (wanted := cell.shape.output(cell.job.ledger.token, cell.human_at)):
            yield f"{name}, {fault}: the output is {output!r}, not {wanted!r}"
    held(len(cells))


def approve_until_done(deployment: Deployment, cells: Mapping[str, Cell]) -> None:
    """Approve whatever is asked, until every run has ended."""
    for cell in cells.values():
        until(partial(_approve_or_done, deployment, cell.job), within=60, what="the run has ended")


def _approve_or_done(deployment: Deployment, job: Job) -> bool:
    for task in deployment.api.tasks_within(job.run_id):
        deployment.api.approve_task(task)
    return deployment.api.status(job.run_id) == "completed"


def test_no_fault(deployment: Deployment) -> None:
    deployment.scale(1)
    cells = begin(deployment)
    assert list(problems(deployment, "no fault", cells)) == []


@pytest.mark.parametrize("step", NAMES)
def test_a_worker_killed_in_each_step(deployment: Deployment, step: str) -> None:
    [victim] = deployment.scale(1)
    cells = begin(deployment, step)
    wait_until_held(deployment, cells, step)
    deployment.scale(2)
    victim.kill()
    for cell in cells.values():
        deployment.wait_for_start(cell.job.ledger, cell.shape.path(step), times=2 * cell.shape.at_once)
        cell.open_gates()
    assert list(problems(deployment, f"killed in {step}", cells, again=step)) == []


def test_every_message_lost(site: Site) -> None:
    deployment = site.deployment
    deployment.scale(0)
    cells = begin(deployment)
    assert site.broker.purge() >= len(cells)
    deployment.scale(1)
    assert list(problems(deployment, "messages lost", cells)) == []


def test_every_message_delivered_many_times(site: Site) -> None:
    deployment = site.deployment
    deployment.scale(2)
    cells = begin(deployment, HELD)
    wait_until_held(deployment, cells, HELD)
    for cell in cells.values():
        site.broker.ring(cell.job.run_id, times=20)
    site.broker.wait_until_quiet(within=30)
    for cell in cells.values():
        cell.open_gates()
        site.broker.ring(cell.job.run_id, times=20)
    assert list(problems(deployment, "delivered many times", cells)) == []


def stopped(deployment: Deployment, fault: str, cells: Mapping[str, Cell], status: str) -> Iterator[str]:
    """Yield what is wrong in cells whose runs are to end as ``status`` and to do nothing from then on."""
    for cell in cells.values():
        deployment.wait_for(cell.job, status)
    before = {name: cell.job.ledger.starts() for name, cell in cells.items()}
    for cell in cells.values():
        cell.open_gates()
    deployment.wait_for(deployment.start(sequence(one="mark", two="mark")), "completed")
    for name, cell in cells.items():
        after = cell.job.ledger.starts()
        if after != before[name]:
            yield f"{name}, {fault}: went on from {before[name]} to {after}"
        if max(after.values()) > max(cell.shape.starts().values()):
            yield f"{name}, {fault}: began something twice: {after}"
    held(len(cells))


@pytest.mark.parametrize("step", NAMES)
def test_cancelled_in_each_step(deployment: Deployment, step: str) -> None:
    deployment.scale(1)
    cells = begin(deployment, step)
    wait_until_held(deployment, cells, step)
    for cell in cells.values():
        deployment.api.cancel(cell.job.run_id)
    assert list(stopped(deployment, f"cancelled in {step}", cells, "cancelled")) == []


@pytest.mark.parametrize("step", NAMES)
def test_a_deadline_passes_in_each_step(deployment: Deployment, step: str) -> None:
    deployment.scale(1)
    cells = begin(deployment, step, timeout_seconds=4)
    wait_until_held(deployment, cells, step)
    assert list(stopped(deployment, f"deadline in {step}", cells, "timed_out")) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_person_asked_at_each_place_while_every_worker_is_replaced(deployment: Deployment, place: int) -> None:
    [worker] = deployment.scale(1)
    cells = begin(deployment, human_at=place)
    for cell in cells.values():
        until(partial(deployment.api.tasks_within, cell.job.run_id), within=30, what="a person is asked")
    worker.kill()
    deployment.scale(1)
    approve_until_done(deployment, cells)
    assert list(problems(deployment, f"asked before step {place + 1}", cells)) == []
