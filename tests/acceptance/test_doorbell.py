"""The broker is a doorbell: losing it, its messages or its order costs time and never work."""

import time

from tests.acceptance.sites import Site
from tests.acceptance.specs import FOUR_STEPS, sequence

THREE_MARKS = {"one": "mark", "two": "mark", "three": "mark"}
EACH_OF_FOUR_ONCE = {"one": 1, "two": 1, "three": 1, "four": 1}
EACH_OF_THREE_ONCE = {"one": 1, "two": 1, "three": 1}


def test_runs_finish_although_every_message_was_lost(site: Site) -> None:
    deployment = site.deployment
    deployment.scale(1)
    answered = deployment.start(sequence(one="mark", two={}, three="mark"))
    deployment.wait_for(answered, "blocked")
    deployment.scale(0)
    jobs = [deployment.start(sequence(**THREE_MARKS)) for _ in range(10)]
    resumption = deployment.approve(answered)
    deployment.wait_for(answered, "running")

    assert site.broker.purge() >= len(jobs)
    assert site.broker.waiting() == 0
    deployment.scale(1)

    for job in jobs:
        deployment.wait_for(job, "completed")
    assert [job.ledger.starts() for job in jobs] == [EACH_OF_THREE_ONCE] * len(jobs)
    assert resumption.answer.result(timeout=30).json()["status"] == "completed"
    assert answered.ledger.starts() == {"one": 1, "three": 1}


def test_a_run_rung_for_a_hundred_times_on_two_workers_does_every_step_once(site: Site) -> None:
    deployment = site.deployment
    workers = deployment.scale(2)
    for worker in workers:
        worker.freeze()
    job = deployment.start(sequence(**FOUR_STEPS))
    job.ledger.open_gate("two")
    site.broker.ring(job.run_id, times=100)
    for worker in workers:
        worker.thaw()
    deployment.wait_for(job, "completed")
    site.broker.wait_until_quiet(within=30)
    assert job.ledger.starts() == EACH_OF_FOUR_ONCE


def test_a_run_rung_for_a_hundred_times_while_it_runs_does_every_step_once(site: Site) -> None:
    deployment = site.deployment
    deployment.scale(2)
    job = deployment.start(sequence(**FOUR_STEPS))
    deployment.wait_for_start(job.ledger, "two")
    site.broker.ring(job.run_id, times=100)
    site.broker.wait_until_quiet(within=30)
    job.ledger.open_gate("two")
    deployment.wait_for(job, "completed")
    assert job.ledger.starts() == EACH_OF_FOUR_ONCE


def test_a_run_created_while_the_broker_is_down_starts_when_it_is_back(site: Site) -> None:
    deployment = site.deployment
    workers = deployment.scale(1)
    site.broker.cut()
    asked_at = time.monotonic()
    job = deployment.start(sequence(**THREE_MARKS))
    assert time.monotonic() - asked_at < 5
    assert job.ledger.starts() == {}
    site.broker.heal()
    deployment.wait_for(job, "completed", within=60)
    assert job.ledger.starts() == EACH_OF_THREE_ONCE
    assert deployment.scale(1) == workers


def test_a_broker_restart_disturbs_neither_running_nor_later_runs(site: Site) -> None:
    deployment = site.deployment
    workers = deployment.scale(1)
    before = deployment.start(sequence(**FOUR_STEPS))
    deployment.wait_for_start(before.ledger, "two")
    site.broker.cut()
    before.ledger.open_gate("two")
    deployment.wait_for(before, "completed")
    site.broker.heal()
    after = deployment.start(sequence(**THREE_MARKS))
    deployment.wait_for(after, "completed", within=60)
    assert (before.ledger.starts(), after.ledger.starts()) == (EACH_OF_FOUR_ONCE, EACH_OF_THREE_ONCE)
    assert deployment.scale(1) == workers
