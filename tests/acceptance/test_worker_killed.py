"""``kill -9`` of the worker in step 2 of 4: another worker takes over, and no finished step runs again.

One death serves three runs: one created asynchronously, one whose client waits for it, one resumed by a person.
"""

from dataclasses import dataclass

import pytest

from tests.acceptance.deployment import LEASE_SECONDS, Call, Job
from tests.acceptance.ledger import Ledger
from tests.acceptance.sites import Site
from tests.acceptance.specs import FOUR_STEPS, sequence

RECOVERY_SECONDS = 10
ASKING = sequence(one="mark", ask={"description": "May this go on?"}, two="gate", three="mark", four="mark")
EACH_ONCE_BUT_THE_INTERRUPTED = {"one": 1, "two": 2, "three": 1, "four": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """Three runs whose worker died under them, now at rest, and when it died (seconds of the monotonic clock)."""

    site: Site
    killed_at: float
    created: Job
    awaited: Call
    resumed: Job
    resumption: Call

    def ledgers(self) -> tuple[Ledger, ...]:
        return self.created.ledger, self.awaited.ledger, self.resumed.ledger


@pytest.fixture(scope="module")
def aftermath(shared_site: Site) -> Aftermath:
    deployment = shared_site.deployment
    [victim] = deployment.scale(1)
    resumed = deployment.start(ASKING)
    deployment.wait_for(resumed, "blocked")
    resumption = deployment.approve(resumed)
    created = deployment.start(sequence(**FOUR_STEPS))
    awaited = deployment.call(sequence(**FOUR_STEPS))
    ledgers = created.ledger, awaited.ledger, resumed.ledger
    for ledger in ledgers:
        assert deployment.wait_for_start(ledger, "two").pid == victim.pid
    deployment.scale(2)
    killed_at = victim.kill()
    for ledger in ledgers:
        ledger.open_gate("two")
    deployment.wait_for(created, "completed")
    deployment.wait_for(resumed, "completed")
    return Aftermath(
        site=shared_site, killed_at=killed_at, created=created, awaited=awaited, resumed=resumed, resumption=resumption
    )


def test_every_step_runs_once_but_the_interrupted_one(aftermath: Aftermath) -> None:
    assert aftermath.created.ledger.starts() == EACH_ONCE_BUT_THE_INTERRUPTED


def test_new_work_starts_soon_after_the_lease_has_lapsed(aftermath: Aftermath) -> None:
    deployment = aftermath.site.deployment
    restarts = [deployment.wait_for_start(ledger, "two", times=2).at for ledger in aftermath.ledgers()]
    assert max(restarts) - aftermath.killed_at <= LEASE_SECONDS + RECOVERY_SECONDS


def test_a_client_that_waits_for_the_run_gets_its_outcome(aftermath: Aftermath) -> None:
    answer = aftermath.awaited.answer.result(timeout=30)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert aftermath.awaited.ledger.starts() == EACH_ONCE_BUT_THE_INTERRUPTED


def test_a_run_resumed_by_a_person_repeats_nothing_before_the_answer(aftermath: Aftermath) -> None:
    answer = aftermath.resumption.answer.result(timeout=30)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert aftermath.resumed.ledger.starts() == EACH_ONCE_BUT_THE_INTERRUPTED


def test_each_step_is_recorded_once(aftermath: Aftermath) -> None:
    for job in (aftermath.created, aftermath.resumed):
        checkpoints = aftermath.site.deployment.api.checkpoints(job.run_id)
        recorded = [each["step_id"] for each in checkpoints if each["type"] == "step_completed"]
        assert [step for step in recorded if step != "ask"] == ["one", "two", "three", "four"]
