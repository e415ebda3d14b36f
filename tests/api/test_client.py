"""kneo-client, as it is published, against this service."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from django.test import override_settings
from kneo_client import KneoClient
from kneo_client.core import (
    KneoBadRequestError,
    KneoConflictError,
    KneoError,
    KneoHumanTaskExpiredError,
    KneoIdempotencyMismatchError,
    KneoNotFoundError,
    KneoServerError,
    KneoServiceUnavailableError,
    KneoValidationError,
    Profile,
    RetryPolicy,
)
from kneo_client.platform.human_tasks import HumanTasksClient
from kneo_client.platform.runs import RunsClient
from pytest_django.live_server_helper import LiveServer

from humantasks.models import HumanTask
from tests.api.specs import agent, workflow
from tests.factories import EPOCH

type Scene[T] = Callable[[RunsClient, HumanTasksClient], Awaitable[T]]

NO_RETRIES = RetryPolicy(max_attempts=1)


class Play(Protocol):
    """Lets a client do something against a server, and returns what it returns."""

    def __call__[T](self, scene: Scene[T]) -> T: ...


@pytest.fixture
def play(engine: None, live_server: LiveServer) -> Play:
    """A client and a server that listens."""
    profile = Profile(name="test", url=live_server.url, api_key="unused")

    async def act[T](scene: Scene[T]) -> T:
        async with KneoClient(profile, retry_policy=NO_RETRIES) as client:
            return await scene(client.platform.runs, client.platform.human_tasks)

    def play[T](scene: Scene[T]) -> T:
        return asyncio.run(act(scene))

    return play


def order(spec: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"input": "hi", "spec": spec, **more}


def test_it_creates_and_gets_the_outcome(play: Play) -> None:
    run = play(lambda runs, _: runs.create(order(workflow("a", "b"))))
    assert (run.status, run.output_text) == ("completed", "hi>a>b")
    assert run.to_dict()["metadata"]["workflow_steps"] == ["a", "b"]


def test_it_creates_and_waits(play: Play) -> None:
    async def scene(runs: RunsClient, _: HumanTasksClient) -> None:
        promise = await runs.create(order(workflow("a"), async_mode=True))
        run = await runs.wait_for_completion(str(promise.run_id), poll_interval=0.01, timeout=10)
        assert (promise.status, run.status) == ("running", "completed")

    play(scene)


def test_it_reads_one_run_and_all_of_them(play: Play) -> None:
    async def scene(runs: RunsClient, _: HumanTasksClient) -> None:
        run_id = str((await runs.create(order(workflow("a"), session_id="s-1"))).run_id)
        run, page = await runs.get(run_id), await runs.list(session_id="s-1", has_error=False)
        assert (run.session_id, run.visited_steps, run.error, run.usage) == ("s-1", ["a"], None, None)
        assert ([item["id"] for item in page], page.total, page.has_more) == ([run_id], 1, False)

    play(scene)


def test_it_reads_checkpoints_and_follows_the_trace(play: Play) -> None:
    async def scene(runs: RunsClient, _: HumanTasksClient) -> None:
        run_id = str((await runs.create(order(agent()))).run_id)
        (checkpoint,) = await runs.checkpoints(run_id, type="run_completed")
        trace = [event["event_id"] for event in await runs.trace(run_id)]
        followed = [event["event_id"] async for event in runs.tail_trace(run_id, page_size=1, poll_interval=0.01)]
        assert checkpoint["type"] == "run_completed"
        assert trace == followed
        assert len(trace) == 2

    play(scene)


def test_it_lists_gets_and_answers_human_tasks(play: Play) -> None:
    async def scene(runs: RunsClient, tasks: HumanTasksClient) -> None:
        run = await runs.create(order(workflow("a", "human")))
        (item,) = await tasks.list(status="pending", run_id=str(run.run_id))
        task = (await tasks.get(item["id"])).to_dict()
        answer = {"request_id": task["request"]["id"], "decision": "edited", "content": "new"}
        outcome = await tasks.resume_by_id(item["id"], answer)
        assert (run.status, run.continuation_id) == ("blocked", task["continuation_id"])
        assert [message["content"] for message in task["messages"]] == ["hi", "hi>a"]
        assert (outcome.run_id, outcome.status, outcome.output_text) == (run.run_id, "completed", "new")

    play(scene)


def test_it_answers_the_most_urgent_task_first(play: Play) -> None:
    async def scene(runs: RunsClient, tasks: HumanTasksClient) -> None:
        for seconds in (None, 60, 3600):
            await runs.create(order(workflow("human", timeout_seconds=seconds), session_id=str(seconds)))
        (urgent,) = await tasks.list(sort_by="expires_at", sort_order="asc", limit=1)
        answer = {"request_id": urgent["pending_human_request_id"], "decision": "approved"}
        outcome = await tasks.resume_first_pending(answer)
        assert outcome is not None
        assert (await runs.get(str(outcome.run_id))).session_id == "60"

    play(scene)


def test_it_cancels(play: Play) -> None:
    async def scene(runs: RunsClient, _: HumanTasksClient) -> None:
        run_id = str((await runs.create(order(workflow("human")))).run_id)
        first, again = await runs.cancel(run_id), await runs.cancel(run_id)
        assert first.status == "cancelled"
        assert first.to_dict()["error"]["type"] == "cancelled"
        assert first == again

    play(scene)


def test_it_sends_the_same_order_once(play: Play) -> None:
    first, again = (play(lambda runs, _: runs.create(order(agent()), idempotency_key="k")) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("body", "expected", "code"),
    [
        (order({"version": "v1"}), KneoBadRequestError, "spec_invalid"),
        (order(workflow("spender")), KneoBadRequestError, "token_budget_exceeded"),
        (order(workflow("guarded")), KneoValidationError, "guardrail_violation"),
        (order(workflow("boom")), KneoServerError, "internal_error"),
        ({"spec": agent()}, KneoValidationError, None),
    ],
)
def test_it_tells_refusals_apart(play: Play, body: dict[str, Any], expected: type[KneoError], code: str | None) -> None:
    with pytest.raises(expected) as refused:
        play(lambda runs, _: runs.create(body))
    assert refused.value.code == code
    assert refused.value.request_id


def test_it_knows_a_key_that_was_used_for_something_else(play: Play) -> None:
    async def scene(runs: RunsClient, _: HumanTasksClient) -> None:
        await runs.create(order(agent()), idempotency_key="k")
        await runs.create(order(workflow("a")), idempotency_key="k")

    with pytest.raises(KneoIdempotencyMismatchError):
        play(scene)


def test_it_knows_what_does_not_exist(play: Play) -> None:
    answer = {"request_id": "x", "decision": "approved"}
    scenes: tuple[Scene[object], ...] = (
        lambda runs, _: runs.get(str(uuid.uuid4())),
        lambda runs, _: runs.trace("no/such run"),
        lambda _, tasks: tasks.resume(str(uuid.uuid4()), answer),
    )
    for scene in scenes:
        with pytest.raises(KneoNotFoundError):
            play(scene)


def test_it_knows_an_answer_to_another_question(play: Play) -> None:
    async def scene(runs: RunsClient, tasks: HumanTasksClient) -> None:
        run = await runs.create(order(workflow("human")))
        await tasks.resume(str(run.continuation_id), {"request_id": "x", "decision": "approved"})

    with pytest.raises(KneoConflictError) as refused:
        play(scene)
    assert refused.value.code == "human_request_mismatch"


def test_it_knows_a_late_answer(play: Play) -> None:
    run = play(lambda runs, _: runs.create(order(workflow("human"))))
    HumanTask.objects.update(expires_at=EPOCH)
    request_id = run.to_dict()["metadata"]["request"]["id"]
    answer = {"request_id": request_id, "decision": "approved"}
    with pytest.raises(KneoHumanTaskExpiredError) as refused:
        play(lambda _, tasks: tasks.resume(str(run.continuation_id), answer))
    assert (refused.value.continuation_id, refused.value.expires_at) == (run.continuation_id, EPOCH.timestamp())


def test_it_knows_when_to_come_back(play: Play, broken_bell: None) -> None:
    body = order(agent(), async_mode=True)
    play(lambda runs, _: runs.create(body))
    with override_settings(MAX_QUEUE_DEPTH=1), pytest.raises(KneoServiceUnavailableError) as refused:
        play(lambda runs, _: runs.create(body))
    assert refused.value.retry_after == 5
