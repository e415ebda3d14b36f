"""Clients of the API that cost the measured machine little: the standard library's, each with one kept connection."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.bench import Bench, BenchmarkFailed
from tests.benchmarks.specs import sequence

TIMEOUT_SECONDS = 30


class ApiClient:
    """One connection to the API."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def create(self, order: bytes) -> str:
        """Create a run asynchronously; return its id. Raises BenchmarkFailed."""
        self._connection.request("POST", "/v1/runs", order, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != http.HTTPStatus.ACCEPTED:
            raise BenchmarkFailed(f"POST /v1/runs answered {response.status}: {answer[:500].decode(errors='replace')}")
        return str(json.loads(answer)["run_id"])


def order_of(name: str, *, steps: int) -> bytes:
    """Return the body that asks for a run of that many steps of the workflow ``name``."""
    return order_for(sequence(name, steps=steps))


def order_for(spec: Mapping[str, Any], text: str = "go") -> bytes:
    """Return the body that asks for a run of ``spec`` on ``text``."""
    return json.dumps({"spec": spec, "input": text, "async_mode": True}).encode()


@contextmanager
def connected(bench: Bench) -> Iterator[ApiClient]:
    """Open a client of the deployment."""
    place = urlsplit(str(bench.deployment.api.http.base_url))
    with closing(http.client.HTTPConnection(place.hostname or "", place.port, timeout=TIMEOUT_SECONDS)) as connection:
        yield ApiClient(connection)
