"""What becomes of a run: waiting for it, or doing its work here."""

import time
import uuid
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from kneo_project.cli.output import panel, say, show, show_json
from kneo_project.cli.service import Service
from kneo_project.errors import KneoError
from runs.cli.options import run_path

AT_WORK = frozenset({"created", "running"})
FAILED = frozenset({"failed", "timed_out", "expired"})
# Ends that somebody asked for, in the spec or by an answer.
ASKED_FOR = frozenset({"max_iterations", "human_rejected"})
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0
COPIES_OF_THE_SPEC = frozenset({"spec", "frozen_spec"})

type Answer = Mapping[str, Any]


class RunEnded(KneoError):
    """The run did not end well."""

    code = "run_failed"
    status = 500


class Interrupted(KneoError):
    """Nobody waits for the run any more."""

    code = "interrupted"


def follow(service: Service, run_id: str) -> Answer:
    """Return the run when it rests, or when its branches have asked people. Without a service the work is done here.

    Raises:
        Interrupted: the person at the keyboard does not want to wait.
        KneoError: the service does not answer, or refuses.
    """
    try:
        return _done_here(service, run_id) if service.is_local else _watched(service, run_id)
    except KeyboardInterrupt:
        state = "What is done is recorded" if service.is_local else "The run goes on"
        raise Interrupted(f"Interrupted. {state}; wait again with: kneo runs wait {run_id}", run_id=run_id) from None


def _done_here(service: Service, run_id: str) -> Answer:
    # Named in a string: it needs the models, which a client of another service has not.
    import_module("runs.cli.driving").drive(uuid.UUID(run_id))
    return service.get(run_path(run_id))


def _watched(service: Service, run_id: str) -> Answer:
    pause = FIRST_PAUSE_SECONDS
    while (run := service.get(run_path(run_id)))["status"] in AT_WORK:
        if pause == LONGEST_PAUSE_SECONDS and service.get("/human-tasks", run_id=run_id, limit=1)["total"]:
            break
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return run


def outcome_of(run: Answer) -> dict[str, Any]:
    """Return what a caller who waited for ``run`` is told.

    Raises:
        RunEnded: it failed.
    """
    error = run["error"] or {}
    if run["status"] in FAILED and error.get("type") not in ASKED_FOR:
        raise RunEnded(
            f"The run {run['run_id']} {_ended(run['status'])}: {error.get('message') or error.get('type')}",
            run_id=run["run_id"],
            status=run["status"],
            error_type=error.get("type"),
        )
    return {
        "run_id": run["run_id"],
        "status": run["status"],
        "output_text": run["output_text"],
        "human_intervention_required": run["status"] == "blocked",
        "continuation_id": run["continuation_id"],
        "metadata": {name: value for name, value in run["metadata"].items() if name not in COPIES_OF_THE_SPEC},
    }


def show_outcome(outcome: Answer, *, as_json: bool) -> None:
    """Print what became of a run."""
    if as_json:
        show_json(outcome)
        return
    facts = {
        "Status": outcome["status"],
        "Workflow": (outcome["metadata"].get("workflow") or {}).get("name"),
        "Agent": outcome["metadata"].get("agent_name"),
        "Output": outcome["output_text"],
    }
    show(panel(f"Run {outcome['run_id']}", facts | _question(outcome)))
    if outcome["status"] in AT_WORK:
        say(f"It goes on. What it asks people: kneo human list --run-id {outcome['run_id']}")


def _question(outcome: Answer) -> dict[str, object]:
    if not outcome.get("continuation_id"):
        return {}
    request = outcome["metadata"].get("request") or {}
    task_id = outcome["continuation_id"]
    answer = f"kneo human resume {task_id} --request-id {request.get('id')} --approve"
    return {"Question": request.get("prompt") or request.get("title"), "Waits for": answer}


def _ended(status: str) -> str:
    return {"timed_out": "timed out", "expired": "expired"}.get(status, "failed")
