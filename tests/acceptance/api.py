"""The service as its clients see it: /v1 over HTTP."""

from typing import Any

import httpx2

PATIENCE_SECONDS = 90.0
TERMINAL = frozenset({"completed", "failed", "cancelled", "timed_out", "expired"})


class Api:
    """A client of one deployment, with the ``key`` that it asks for."""

    def __init__(self, base_url: str, *, key: str = "", transport: httpx2.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx2.Client(base_url=base_url, headers=headers, timeout=PATIENCE_SECONDS, transport=transport)

    def is_up(self) -> bool:
        """Whether the web process answers."""
        try:
            return self.http.get("/livez").is_success
        except httpx2.TransportError:
            return False

    def create(self, spec: dict[str, Any], text: str, **fields: Any) -> httpx2.Response:
        """Ask for a run of ``spec`` on ``text``."""
        return self.http.post("/v1/runs", json={"spec": spec, "input": text, **fields})

    def run(self, run_id: str) -> dict[str, Any]:
        """Return the run."""
        return self._get(f"/v1/runs/{run_id}")

    def status(self, run_id: str) -> str:
        """Return the run's status."""
        return str(self.run(run_id)["status"])

    def count(self, **filters: str) -> int:
        """Return how many runs match the ``filters`` of the list."""
        response = self.http.get("/v1/runs", params={"limit": 1, **filters})
        response.raise_for_status()
        return int(response.json()["total"])

    def checkpoints(self, run_id: str) -> list[dict[str, Any]]:
        """Return the run's checkpoints in order."""
        checkpoints: list[dict[str, Any]] = self._get(f"/v1/runs/{run_id}/checkpoints")["checkpoints"]
        return checkpoints

    def cancel(self, run_id: str) -> dict[str, Any]:
        """Cancel the run and return it."""
        response = self.http.post(f"/v1/runs/{run_id}/cancel")
        response.raise_for_status()
        cancelled: dict[str, Any] = response.json()
        return cancelled

    def approve(self, run_id: str) -> httpx2.Response:
        """Approve what the blocked run asks; the answer comes when the run rests again."""
        run = self.run(run_id)
        body = {"request_id": run["pending_human_request"]["id"], "decision": "approved"}
        return self.http.post(f"/v1/human-tasks/{run['continuation_id']}/resume", json=body)

    def tasks_within(self, run_id: str) -> list[dict[str, Any]]:
        """Return the open human tasks of the run and of its branches."""
        branches = self._get(f"/v1/runs/{run_id}/branches")["branches"]
        runs = [run_id, *(branch["run_id"] for branch in branches)]
        return [task for each in runs for task in self._get(f"/v1/human-tasks?run_id={each}")["tasks"]]

    def open_tasks(self) -> list[dict[str, Any]]:
        """Return every human task that is open, up to a thousand."""
        tasks: list[dict[str, Any]] = self._get("/v1/human-tasks?limit=1000")["tasks"]
        return tasks

    def approve_task(self, task: dict[str, Any]) -> None:
        """Approve what ``task`` asks; one that is not open any more stays as it is."""
        body = {"request_id": task["pending_human_request"]["id"], "decision": "approved"}
        self.http.post(f"/v1/human-tasks/{task['id']}/resume", json=body)

    def _get(self, path: str) -> dict[str, Any]:
        response = self.http.get(path)
        response.raise_for_status()
        body: dict[str, Any] = response.json()
        return body
