"""scripts/smoke.sh: what an operator runs after a deploy says what is well, and what is not."""

import socket
from collections.abc import Iterator

import pytest

from tests.acceptance.brokers import ONE_BROKER
from tests.acceptance.deployment import Deployment
from tests.acceptance.sites import Site
from tests.acceptance.smoking import smoke

KEY = "a-key-for-the-smoke-test"


@pytest.fixture(scope="module")
def url(shared_site: Site) -> Iterator[str]:
    """The address of a web process of the deployment that asks for a key."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web = shared_site.deployment.serve_api(listener, KNEO_SERV_API_KEYS=f"ops:{KEY}:service")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        web.kill()


@ONE_BROKER
def test_a_wrong_key_is_told(url: str) -> None:
    told = smoke(url, "another-key")
    assert (told.returncode, told.stderr) == (1, "")
    *_, failed, verdict = told.stdout.splitlines()
    assert failed.startswith("failed  the key is taken, and a spec is valid: ")
    assert "was answered with 401: A valid API key is required" in failed
    assert verdict == "1 of 3 checks failed. The rest was not tried."


@ONE_BROKER
def test_it_tells_when_no_worker_is_up(deployment: Deployment, url: str) -> None:
    deployment.scale(0)
    told = smoke(url, KEY, SMOKE_SECONDS="1")
    assert told.returncode == 1
    assert "No worker took it: is one up, on the same database and broker?" in told.stdout
    assert "ok      it is in the list of runs" in told.stdout
    assert "failed  the metrics count a worker: they count no worker" in told.stdout


@ONE_BROKER
def test_all_is_well_with_a_worker(deployment: Deployment, url: str) -> None:
    deployment.scale(1)
    told = smoke(url, KNEO_SERV_API_KEY=KEY)
    assert told.stdout.splitlines()[-1] == "All is well: 10 checks.", told.stdout
    assert (told.returncode, told.stderr) == (0, "")
    assert KEY not in told.stdout


@pytest.mark.parametrize("arguments", [(), ("no-address",), ("http://127.0.0.1:1", "key", "more")])
def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    told = smoke(*arguments)
    assert (told.returncode, told.stderr.split()[:2]) == (2, ["usage:", "smoke.sh"])


def test_nobody_there_is_told() -> None:
    told = smoke("http://127.0.0.1:1")
    assert told.returncode == 1
    assert told.stdout.startswith("failed  the service answers: no answer: curl: (7)")
