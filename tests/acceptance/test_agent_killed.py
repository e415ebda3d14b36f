"""``kill -9`` of the worker in the middle of an agent's loop of six model calls: at most one call is made again.

The agent is that of a step, or of a workflow that another agent has asked as a tool.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from tests.acceptance.conditions import until
from tests.acceptance.deployment import Job
from tests.acceptance.sites import Site
from tests.stubs.chat_server import Answer, ChatServer, completion, tool_call

CALLS = 6
KILLED_AT = tuple(product(("step", "tool"), (1, 3, 6)))


class Model:
    """Calls a tool five times and then answers; it never answers the call of each run at which its worker is to die."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, int]] = Counter()
        self.stalls: dict[str, int] = {}
        self.stalled: set[str] = set()
        self.killed = threading.Event()

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """Answer by what the conversation holds already."""
        token = next(message["content"] for message in body["messages"] if message["role"] == "user")
        heard = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        if body["tools"][0]["function"]["name"] == "desk":
            return completion(heard[0]) if heard else tool_call("desk", json.dumps({"input": token}))
        call = len(heard) + 1
        self.asked[token, call] += 1
        if self.stalls[token] == call and not self.killed.is_set():
            self.stalled.add(token)
            return Answer(after_seconds=None)
        if call < CALLS:
            return tool_call("note", json.dumps({"ledger": token}))
        return completion(" ".join(heard))


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """Runs whose worker died at different calls, and what their model was asked."""

    jobs: Mapping[tuple[str, int], Job]
    outputs: Mapping[tuple[str, int], str]
    asked: Counter[tuple[str, int]]


def spec_of(base_url: str, kind: str) -> dict[str, Any]:
    """Return a spec of an agent with a tool; it is asked by a step, or by an agent for whom its workflow is a tool."""
    own = {"type": "sequential", "steps": [{"id": "work", "kind": "agent", "ref": "clerk"}]}
    asking = {"type": "sequential", "steps": [{"id": "ask", "kind": "agent", "ref": "front"}]}
    return {
        "version": "v1",
        "agent": {"name": "acceptance"},
        "workflow": own if kind == "step" else asking,
        "tools": {
            "note": {"description": "Note it.", "implementation": "tests.acceptance.steps.tool"},
            "desk": {"description": "Ask the desk.", "agent": "desk"},
        },
        "components": {
            "agents": {
                "clerk": _served(base_url, "clerk", "note"),
                "front": _served(base_url, "front", "desk"),
                "desk": {"name": "desk", "as_agent": "own"},
            },
            "workflows": {"own": own},
        },
    }


def _served(base_url: str, name: str, tool: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": {"provider": "openai", "name": "small", "extra": {"base_url": base_url}},
        "runtime_preferences": {"preferred_mode": "native", "native_provider": "openai"},
        "strategy": "react",
        "tools": [tool],
    }


@pytest.fixture(scope="module")
def aftermath(shared_site: Site) -> Iterator[Aftermath]:
    deployment = shared_site.deployment
    model = Model()
    with ChatServer(model.answer) as chat:
        deployment.scale(0)
        jobs = {(kind, call): deployment.start(spec_of(chat.base_url, kind)) for kind, call in KILLED_AT}
        model.stalls = {job.ledger.token: call for (_, call), job in jobs.items()}
        [victim] = deployment.scale(1)
        until(lambda: len(model.stalled) == len(KILLED_AT), within=30, what="every run has come to its call")
        victim.kill()
        model.killed.set()
        deployment.scale(1)
        for job in jobs.values():
            deployment.wait_for(job, "completed")
        outputs = {place: deployment.api.run(job.run_id)["output_text"] for place, job in jobs.items()}
        yield Aftermath(jobs=jobs, outputs=outputs, asked=model.asked)


@pytest.mark.parametrize(("kind", "call"), KILLED_AT)
def test_only_the_call_that_was_under_way_is_made_again(aftermath: Aftermath, kind: str, call: int) -> None:
    token = aftermath.jobs[kind, call].ledger.token
    asked = {number: aftermath.asked[token, number] for number in range(1, CALLS + 1)}

    assert asked == {number: 2 if number == call else 1 for number in range(1, CALLS + 1)}
    began = aftermath.jobs[kind, call].ledger.starts()
    assert {step.rpartition("/")[2]: times for step, times in began.items()} == {f"{n}.1": 1 for n in range(1, CALLS)}


@pytest.mark.parametrize(("kind", "call"), KILLED_AT)
def test_the_answer_is_that_of_an_undisturbed_run(aftermath: Aftermath, kind: str, call: int) -> None:
    said = aftermath.outputs[kind, call].split(" call ")
    assert [each.rpartition("/")[2] for each in said] == [f"{number}.1" for number in range(1, CALLS)]
