"""Event streams from the server that is made for them: what several processes record arrives, in order and once."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.acceptance.conditions import until
from tests.acceptance.deployment import START_SECONDS, Deployment
from tests.acceptance.sites import Site
from tests.acceptance.specs import FOUR_STEPS, sequence

MANY = 200


@pytest.fixture(scope="module")
def streams(shared_site: Site) -> Iterator[httpx2.Client]:
    """Return a client of the server for events, which runs beside the web process."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        process = shared_site.deployment.serve_events(listener)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx2.Client(base_url=address, timeout=30, limits=httpx2.Limits(max_connections=None)) as client:
            until(lambda: _is_up(client), within=START_SECONDS, what="the server for events answers")
            yield client
        process.terminate()
        process.wait_gone(within=START_SECONDS)


def _is_up(client: httpx2.Client) -> bool:
    try:
        return client.get("/livez").is_success
    except httpx2.TransportError:
        return False


def follow(client: httpx2.Client, path: str) -> Iterator[dict[str, Any]]:
    """Yield the data of the events of a stream; an event without any is the greeting."""
    with client.stream("GET", f"/v1{path}") as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("retry"):
                yield {}
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def test_a_run_is_followed_over_the_death_of_its_worker(deployment: Deployment, streams: httpx2.Client) -> None:
    [victim] = deployment.scale(1)
    job = deployment.start(sequence(**FOUR_STEPS))
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(lambda: [event for event in follow(streams, f"/runs/{job.run_id}/events") if event])
        deployment.wait_for_start(job.ledger, "two")
        deployment.scale(2)
        victim.kill()
        job.ledger.open_gate("two")
        deployment.wait_for(job, "completed")
        events = heard.result(timeout=30)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    done = [event["step_id"] for event in events if event["type"] == "step_completed"]
    assert done == ["one", "two", "three", "four"]
    assert events[-1]["type"] == "run_completed"


def test_many_listen_to_one_process_and_all_hear_the_same(deployment: Deployment, streams: httpx2.Client) -> None:
    deployment.scale(2)
    tag = "many-listeners"

    def listen(_: int) -> list[str]:
        heard = []
        for event in follow(streams, f"/events?tag={tag}"):
            if not event:
                present.append(1)
                continue
            heard.append(event["type"])
            if event["type"] == "run_completed":
                break
        return heard

    present: list[int] = []
    with ThreadPoolExecutor(MANY) as pool:
        listeners = [pool.submit(listen, number) for number in range(MANY)]
        until(lambda: len(present) == MANY, within=60, what="all are listening")
        deployment.start(sequence(one="mark"), tags=[tag])
        heard = [listener.result(timeout=60) for listener in listeners]
    assert heard == [["run_started", "step_completed", "run_completed"]] * MANY
