"""The requests that are measured, and how they are sent: through the WSGI application of this process, no network."""

import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

from tests.benchmarks.bench import BenchmarkFailed
from tests.benchmarks.history.filling import ABSENT_WORD, DAYS, RARE_WORD

PAGE = 20
MILLISECONDS = 1000
# The two kinds of rounds.
READ, CREATE = "read", "create"

type Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request. ``body`` makes it a POST, ``cookie`` that of a person.

    ``at_least`` is how many items the answer must have to mean anything.
    """

    name: str
    path: str
    query: Mapping[str, object]
    body: bytes = b""
    cookie: str = ""
    at_least: int = 0
    expects: str = "200 OK"

    def environ(self) -> dict[str, Any]:
        """Return the request as a WSGI server hands it over."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST" if self.body else "GET",
            "PATH_INFO": self.path,
            "QUERY_STRING": urlencode(self.query),
            "CONTENT_TYPE": "application/json" if self.body else "",
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.input": io.BytesIO(self.body),
        }
        if self.cookie:
            environ["HTTP_COOKIE"] = self.cookie
        setup_testing_defaults(environ)
        return environ


def lists(workflow: str) -> list[Call]:
    """Return the lists; one of them asks for the runs of ``workflow`` of half the time that there are runs of."""
    lately = (datetime.now(UTC) - timedelta(days=DAYS / 2)).isoformat()
    filters: list[tuple[Mapping[str, object], int]] = [
        ({}, PAGE),
        ({"status": "failed"}, PAGE),
        ({"has_error": "true"}, PAGE),
        ({"sort_by": "created_at"}, PAGE),
        ({"workflow_name": workflow, "created_after": lately}, PAGE),
        ({"q": RARE_WORD}, PAGE // 2),
        ({"q": ABSENT_WORD}, 0),
    ]
    runs = [
        Call(name=_named("runs", asked), path="/v1/runs", query={"limit": PAGE, **asked}, at_least=least)
        for asked, least in filters
    ]
    tasks = Call(
        name="human-tasks?status=pending",
        path="/v1/human-tasks",
        query={"status": "pending", "limit": PAGE},
        at_least=PAGE,
    )
    audit = Call(name="audit-events", path="/v1/audit-events", query={"limit": PAGE}, at_least=PAGE)
    counts = Call(name="runs/counts", path="/v1/runs/counts", query={})
    return [*runs, counts, tasks, audit]


def one(run_id: object) -> Call:
    """Return the request for one run."""
    return Call(name="runs/{id}", path=f"/v1/runs/{run_id}", query={})


def pages(run_id: object, cookie: str) -> list[Call]:
    """Return the pages of the admin that operators look at most, asked for by somebody who is logged in."""
    paths = {
        "admin, first page": "/admin/",
        "admin, runs": "/admin/runs/run/",
        "admin, a run": f"/admin/runs/run/{run_id}/change/",
    }
    return [Call(name=name, path=path, query={}, cookie=cookie) for name, path in paths.items()]


def creation(order: bytes) -> Call:
    """Return the request that creates a run as ``order`` says."""
    return Call(name="POST runs, async", path="/v1/runs", query={}, body=order, expects="202 Accepted")


def send(application: Application, call: Call) -> float:
    """Send ``call`` and return the milliseconds until its whole answer was there. Raises BenchmarkFailed."""
    statuses: list[str] = []
    environ = call.environ()
    begun = time.perf_counter()
    answer = application(environ, lambda status, _headers, _fault=None: statuses.append(status))
    body = b"".join(answer)
    answer.close()
    took = (time.perf_counter() - begun) * MILLISECONDS
    if statuses != [call.expects]:
        raise BenchmarkFailed(f"{call.name} answered {statuses}: {body[:500].decode(errors='replace')}")
    if call.at_least and json.loads(body)["count"] < call.at_least:
        raise BenchmarkFailed(f"{call.name} has fewer than {call.at_least} items.")
    return took


def _named(path: str, asked: Mapping[str, object]) -> str:
    words = {RARE_WORD: "(few)", ABSENT_WORD: "(none)"}
    if len(asked) > 1:  # all of it would not fit a terminal
        return f"{path}?{next(iter(asked))}&…"
    return "".join([path, *(f"?{name}={words.get(str(value), value)}" for name, value in asked.items())])
