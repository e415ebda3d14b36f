"""Run by ``tests.upgrades.make`` in an earlier checkout, whose code it uses: fills a database over its API.

Prints what that API then answers to every question, by path.
"""

import json
import sys
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from kneo_project.celery import app  # noqa: E402

EXAMPLES = (
    "hello",
    "retry_and_fallback",
    "concurrent_review_workflow",
    "group_chat_workflow",
    "support_handoff",
    "incident_response",
    "order_intake",
    "human_approval_workflow",
    "expense_approval",
    "document_review_board",
    "claim_assessment",
    "payment_reminder",
)
OF_ALL = ("runs", "runs/counts", "human-tasks", "policies/environment", "webhooks")
OF_A_RUN = ("", "/checkpoints", "/trace", "/recovery", "/replay", "/graph", "/policy-report", "/branches")
client = Client(raise_request_exception=False, SERVER_NAME="localhost")


def get(path: str) -> dict[str, Any] | None:
    """Return the answer, if there is such a route."""
    answer = client.get(f"/v1/{path}")
    return answer.json() if answer.status_code == 200 else None


def post(path: str, body: object, **headers: str) -> dict[str, Any]:
    """Return the answer, whatever it is."""
    answer: dict[str, Any] = client.post(f"/v1/{path}", body, "application/json", headers=headers).json()
    return answer


def start(name: str, text: str = "Taxi to the airport, 48.20 EUR", **fields: object) -> str:
    """Start a run of an example; return its id."""
    body = {"spec_path": f"specs/examples/{name}.yaml", "input": text, "async_mode": True, **fields}
    answer = post("runs", body, **{"Idempotency-Key": f"{name}-{text}"})
    return str(answer.get("run_id") or answer.get("detail", {}).get("run_id"))


def answer_first_questions() -> None:
    """Approve what is asked, but for the last question."""
    for task_id in questions()[1:]:
        request = (get(f"human-tasks/{task_id}") or {})["request"]
        body = {"request_id": request["id"], "decision": "approved"}
        post(f"human-tasks/{task_id}/resume", body)


def questions() -> list[str]:
    """Return the open ones."""
    return [str(task["id"]) for task in (get("human-tasks") or {})["tasks"]]


def fill() -> None:
    """Let happen what that time knew."""
    for name in EXAMPLES:
        start(name, session_id="upgrade", metadata={"desk": "finance"})
    answer_first_questions()
    cancelled = start("expense_approval", "Cancel me, 1 EUR")
    post(f"runs/{cancelled}/cancel", {})
    whole = start("hello", "Fork me")
    post(f"runs/{whole}/fork", {})
    client.put("/v1/policies/environment/prod", {"require_human_review": True}, "application/json")
    post("webhooks", {"url": "https://hooks.example.com/kneo"})


def answers() -> dict[str, Any]:
    """Return every answer, by path."""
    runs = [run["id"] for run in (get("runs?limit=100") or {})["runs"]]
    paths = [*OF_ALL, *(f"runs/{run}{end}" for run in runs for end in OF_A_RUN)]
    paths += [f"human-tasks/{task}" for task in questions()]
    paths += ["audit-events"]  # last: asking for some of the others is an event
    return {path: answer for path in paths if (answer := get(path)) is not None}


if __name__ == "__main__":
    call_command("migrate", verbosity=0, interactive=False)
    app.conf.task_always_eager = True
    fill()
    app.conf.task_always_eager = False
    json.dump(answers(), sys.stdout)
