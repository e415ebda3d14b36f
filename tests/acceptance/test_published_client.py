"""kneo-client as it is published, unmodified, against real processes: all that it can do, and its second attempts."""

import asyncio
import inspect
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kneo_client import KneoClient
from kneo_client.core import KneoServerError, Profile, RetryPolicy

from tests.acceptance.deployment import Deployment
from tests.acceptance.flaky_front import FlakyFront, Mishap
from tests.acceptance.sites import Site

SPEC: dict[str, Any] = {
    "version": "v1",
    "agent": {"name": "root"},
    "workflow": {
        "type": "sequential",
        "name": "surface",
        "steps": [
            {"id": "draft", "kind": "agent", "ref": "writer"},
            {"id": "approve", "kind": "human", "ref": "boss"},
            {"id": "final", "kind": "agent", "ref": "writer"},
        ],
    },
    "components": {"agents": {"writer": {"name": "writer"}}, "humans": {"boss": {"description": "Check it"}}},
}
ALONE: dict[str, Any] = {"version": "v1", "agent": {"name": "root"}}
FAILING: dict[str, Any] = {
    **ALONE,
    "workflow": {"type": "sequential", "steps": [{"id": "x", "kind": "function", "ref": "f"}]},
    "components": {"functions": {"f": {"implementation": "tests.acceptance.steps.missing"}}},
}
PATIENT = RetryPolicy(max_attempts=3)


class Recorded:
    """A part of the client that remembers which of its methods were called."""

    def __init__(self, part: object, called: set[str]) -> None:
        self._part = part
        self._called = called

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        self._called.add(f"{type(self._part).__name__}.{name}")
        return getattr(self._part, name)


class Surface:
    """The parts of a client, each recorded."""

    def __init__(self, client: KneoClient) -> None:
        self.called: set[str] = set()
        platform, agent = client.platform, client.agent
        self._parts = {name: getattr(platform, name) for name in vars(platform) if not name.startswith("_")}
        self._parts |= {name: getattr(agent, name) for name in vars(agent) if not name.startswith("_")}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        return Recorded(self._parts[name], self.called)

    @property
    def methods(self) -> set[str]:
        """Every public method that there is."""
        return {
            f"{type(part).__name__}.{name}"
            for part in self._parts.values()
            for name, _ in inspect.getmembers(type(part), inspect.isfunction)
            if not name.startswith("_")
        }


def play[T](url: str, scene: Callable[[KneoClient], Awaitable[T]]) -> T:
    """Let a client do something against the service at ``url``."""

    async def act() -> T:
        async with KneoClient(Profile(name="test", url=url, api_key="unused"), retry_policy=PATIENT) as client:
            return await scene(client)

    return asyncio.run(act())


@pytest.fixture
def staffed(shared_site: Site) -> Deployment:
    """A deployment with a worker."""
    shared_site.deployment.scale(1)
    return shared_site.deployment


def test_everything_that_it_can_do_works(staffed: Deployment) -> None:
    async def scene(client: KneoClient) -> tuple[set[str], set[str]]:
        surface = Surface(client)
        await _probes(surface)
        await _specs(surface)
        await _policies(surface)
        run_id = await _run_with_a_person(surface)
        await _views(surface, run_id)
        await _endings(surface)
        return surface.called, surface.methods

    called, methods = play(str(staffed.api.http.base_url), scene)
    assert methods - called == set()


async def _probes(surface: Surface) -> None:
    for probe in (surface.health.healthz, surface.health.livez, surface.health.readyz):
        assert (await probe()).ok
    inventory = await surface.credentials.list(providers=["openai"])
    assert inventory.items["providers"]["openai"]["env_var"] == "OPENAI_API_KEY"
    assert (await surface.skills.list(limit=5)).total == 0


async def _specs(surface: Surface) -> None:
    body = {"spec": SPEC}
    assert (await surface.specs.validate(body)).valid
    assert (await surface.specs.compile(body | {"strict": True})).ok
    assert (await surface.specs.explain(body)).summary
    assert (await surface.specs.graph(body)).workflow_kind == "sequential"
    assert (await surface.specs.policy_report(body)).valid
    assert (await surface.specs.validate_then_compile(body)) is not None
    assert (await surface.specs.dry_run(body)) is not None
    run = await surface.specs.run({"spec": ALONE, "input": "hi"})
    assert (run.status, run.output_text) == ("completed", "Final answer: hi")


async def _policies(surface: Surface) -> None:
    name = f"env-{uuid.uuid4().hex[:8]}"
    policy = {"enabled": True, "require_human_review": True}
    await surface.policies.environment_put(name, policy)
    assert (await surface.policies.environment_get(name)).environment == name
    assert name in (await surface.policies.environment_list()).items
    preview = await surface.policies.environment_preview(name, policy | {"fail_on_warnings": True})
    assert preview.environment == name


async def _run_with_a_person(surface: Surface) -> str:
    order = {"spec": SPEC, "input": "hello", "session_id": f"s-{uuid.uuid4().hex[:8]}"}
    run_id = str((await surface.runs.create(order)).run_id)
    listed = await surface.runs.list(session_id=order["session_id"])
    assert (listed.total, listed.has_more) == (1, False)
    [task] = (await surface.human_tasks.list(run_id=run_id)).items
    waiting = (await surface.human_tasks.get(str(task.to_dict()["id"]))).to_dict()
    answer = {"request_id": waiting["request"]["id"], "decision": "approved"}
    resumed = await surface.human_tasks.resume_first_pending(answer, run_id=run_id)
    assert resumed.status == "completed"
    return run_id


async def _views(surface: Surface, run_id: str) -> None:
    assert (await surface.runs.get(run_id)).status == "completed"
    assert (await surface.runs.wait_for_completion(run_id, poll_interval=0.05)).status == "completed"
    trace = await surface.runs.trace(run_id)
    followed = [event async for event in surface.runs.tail_trace(run_id, poll_interval=0.05)]
    assert len(followed) == trace.total > 0
    checkpoints = await surface.runs.checkpoints(run_id)
    diff = await surface.runs.checkpoints_diff(run_id, from_sequence=1, to_sequence=2)
    assert (checkpoints.total > 2, diff.change_count > 0) == (True, True)
    assert (await surface.runs.graph(run_id)).visited == ["draft", "approve", "final"]
    assert (await surface.runs.recovery(run_id)).status == "completed"
    assert len((await surface.runs.replay(run_id)).timeline) == checkpoints.total
    assert (await surface.runs.policy_report(run_id)).valid
    events = await surface.audit.list(run_id=run_id, limit=10)
    assert {"run.created", "human.decision"} <= {event.to_dict()["event_type"] for event in events.items}


async def _endings(surface: Surface) -> None:
    """Answer a task by its id in both ways, cancel a run, and go on with one that failed."""
    for resume in (surface.human_tasks.resume, surface.human_tasks.resume_by_id):
        run = await surface.runs.create({"spec": SPEC, "input": "hello"})
        task = (await surface.human_tasks.get(str(run.continuation_id))).to_dict()
        answer = {"request_id": task["request"]["id"], "decision": "approved"}
        assert (await resume(str(run.continuation_id), answer)).status == "completed"
    blocked = await surface.runs.create({"spec": SPEC, "input": "hello"})
    assert (await surface.runs.cancel(str(blocked.run_id))).status == "cancelled"
    promise = await surface.runs.create({"spec": FAILING, "input": "hi", "async_mode": True})
    failed = await surface.runs.wait_for_completion(str(promise.run_id), poll_interval=0.05)
    assert failed.status == "failed"
    with pytest.raises(KneoServerError):
        await surface.runs.continue_(str(promise.run_id))


@pytest.mark.parametrize("mishaps", [(Mishap.REFUSED,), (Mishap.ANSWER_LOST,), (Mishap.ANSWER_LOST, Mishap.REFUSED)])
def test_its_second_attempt_makes_no_second_run(staffed: Deployment, mishaps: tuple[Mishap, ...]) -> None:
    session = f"s-{uuid.uuid4().hex[:8]}"

    async def scene(client: KneoClient) -> tuple[object, object]:
        front.befall(*mishaps)
        run = await client.platform.runs.create({"spec": ALONE, "input": "once", "session_id": session})
        front.befall(Mishap.REFUSED)
        return run.output_text, (await client.platform.runs.list(session_id=session)).total

    with FlakyFront(str(staffed.api.http.base_url)) as front:
        assert play(front.url, scene) == ("Final answer: once", 1)
    orders = [key for call, key in front.seen if call.startswith("POST")]
    assert len(orders) == len(mishaps) + 1
    assert len(set(orders)) == 1


def test_its_second_answer_is_the_first(staffed: Deployment) -> None:
    async def scene(client: KneoClient) -> tuple[object, object]:
        run = await client.platform.runs.create({"spec": SPEC, "input": "hello"})
        task = (await client.platform.human_tasks.get(str(run.continuation_id))).to_dict()
        answer = {"request_id": task["request"]["id"], "decision": "approved"}
        front.befall(Mishap.ANSWER_LOST)
        answered = await client.platform.human_tasks.resume(str(run.continuation_id), answer)
        events = await client.platform.audit.list(event_type="human.decision", run_id=str(run.run_id))
        return answered.status, events.total

    with FlakyFront(str(staffed.api.http.base_url)) as front:
        assert play(front.url, scene) == ("completed", 1)
