"""A person who does not answer in time: the beat does what the question says."""

from typing import Any

import pytest

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.conditions import until
from tests.acceptance.deployment import Deployment, Job
from tests.acceptance.specs import sequence

pytestmark = ONE_BROKER


@pytest.fixture
def asked(deployment: Deployment, request: pytest.FixtureRequest) -> Job:
    """A run that asks a person who has a second to answer."""
    deployment.scale(1)
    human = {"timeout_seconds": 1, "on_timeout": request.param, "assignee": "lead"}
    return deployment.start(sequence(one="mark", ask=human, two="mark"))


@pytest.mark.parametrize("asked", ["fail"], indirect=True)
def test_fail_ends_the_run_as_expired(deployment: Deployment, asked: Job) -> None:
    deployment.wait_for(asked, "expired")
    assert deployment.api.run(asked.run_id)["error"]["type"] == "human_task_expired"
    assert asked.ledger.starts() == {"one": 1}


@pytest.mark.parametrize("asked", ["continue"], indirect=True)
def test_continue_goes_on_as_if_approved(deployment: Deployment, asked: Job) -> None:
    deployment.wait_for(asked, "completed")
    assert asked.ledger.starts() == {"one": 1, "two": 1}


@pytest.mark.parametrize("asked", ["escalate"], indirect=True)
def test_escalate_flags_the_question_and_keeps_it_open(deployment: Deployment, asked: Job) -> None:
    def escalated() -> dict[str, Any] | None:
        request: dict[str, Any] | None = deployment.api.run(asked.run_id)["pending_human_request"]
        return request if request and "escalated_at" in request else None

    until(escalated, within=15, what="the question is escalated")
    assert deployment.api.approve(asked.run_id).json()["status"] == "completed"
    assert asked.ledger.starts() == {"one": 1, "two": 1}
