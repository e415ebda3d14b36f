"""The few calls of /v1 that the demonstration makes, and what they answer as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

AT_WORK = frozenset({"created", "running"})
ANSWER_SECONDS = 120.0


class DemoFailed(Exception):
    """The demonstration did not reach its end; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A finished step of a run."""

    name: str
    attempt: int | None
    duration_ms: float | None
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Where a run is; ``request`` is what a person is asked while it is blocked."""

    id: str
    status: str
    output: str
    error: str
    task_id: str | None
    request: Mapping[str, Any]

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing moves until somebody acts."""
        return self.status not in AT_WORK


class Api:
    """A client of the API at ``url``; every unexpected answer raises ``DemoFailed``."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.Client(base_url=url, timeout=ANSWER_SECONDS, trust_env=False)

    def is_ready(self) -> bool:
        """Return whether the stack says that it can serve; waits while it boots behind its open port."""
        try:
            return self._http.get("/readyz").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def start_run(self, spec: Mapping[str, Any], text: str) -> str:
        """Create a run of ``spec`` on the input ``text`` and return its id, without waiting for it."""
        body = {"spec": spec, "input": text, "async_mode": True}
        return str(self._call("POST", "/v1/runs", body)["run_id"])

    def run(self, run_id: str) -> Run:
        """Return where the run is."""
        found = self._call("GET", f"/v1/runs/{run_id}")
        return Run(
            id=run_id,
            status=found["status"],
            output=found["output_text"] or "",
            error=(found["error"] or {}).get("message", ""),
            task_id=found["continuation_id"],
            request=found["pending_human_request"] or {},
        )

    def finished_steps(self, run_id: str) -> list[Step]:
        """Return the steps that the run has finished, in their order."""
        checkpoints = self._call("GET", f"/v1/runs/{run_id}/checkpoints?limit=1000")["checkpoints"]
        return [_step(checkpoint) for checkpoint in checkpoints if checkpoint["type"] == "step_completed"]

    def approve(self, run: Run) -> None:
        """Answer the open human task of ``run`` with an approval; return when the run rests again."""
        body = {"request_id": run.request["id"], "decision": "approved"}
        self._call("POST", f"/v1/human-tasks/{run.task_id}/resume", body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, json=body)
        except httpx2.TransportError as error:
            raise DemoFailed(f"{method} {path} got no answer: {error}") from error
        if response.is_error:
            raise DemoFailed(f"{method} {path} was answered with {response.status_code}: {response.text[:500]}")
        answer: dict[str, Any] = response.json()
        return answer


def _step(checkpoint: Mapping[str, Any]) -> Step:
    facts = checkpoint["metadata"]
    return Step(
        name=checkpoint["step_id"],
        attempt=facts.get("attempt"),
        duration_ms=facts.get("duration_ms"),
        output=facts.get("output_text") or "",
    )
