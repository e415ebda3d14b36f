"""Links of the OpenAPI document: with what a caller can go on once it was answered."""

from collections.abc import Mapping
from typing import Any

RUN_ID = {"parameters": {"run_id": "$response.body#/run_id"}}
TASK_ID = {"parameters": {"continuation_id": "$response.body#/continuation_id"}}
_OF_A_RUN = dict.fromkeys(
    (
        "get_v1_runs_run_id",
        "get_v1_runs_run_id_trace",
        "get_v1_runs_run_id_checkpoints",
        "get_v1_runs_run_id_checkpoints_diff",
        "get_v1_runs_run_id_branches",
        "get_v1_runs_run_id_recovery",
        "get_v1_runs_run_id_replay",
        "get_v1_runs_run_id_graph",
        "get_v1_runs_run_id_policy_report",
        "post_v1_runs_run_id_cancel",
        "post_v1_runs_run_id_continue",
        "post_v1_runs_run_id_fork",
    ),
    RUN_ID,
)
_OF_A_TASK = dict.fromkeys(
    (
        "get_v1_human_tasks_continuation_id",
        "post_v1_human_tasks_continuation_id_claim",
        "post_v1_human_tasks_continuation_id_release",
    ),
    TASK_ID,
)


def _answer(request_id: str) -> Mapping[str, Any]:
    """Return the link to answering the question of which the body tells the id at the pointer ``request_id``."""
    body = {"request_id": f"$response.body#{request_id}", "decision": "approved"}
    return {"post_v1_human_tasks_continuation_id_resume": {**TASK_ID, "requestBody": body}}


# By the operation that was answered, and then by the one to go on with.
LINKS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "post_v1_runs": {**_OF_A_RUN, **_OF_A_TASK},
    "get_v1_runs_run_id": {**_OF_A_RUN, **_OF_A_TASK, **_answer("/pending_human_request/id")},
    "post_v1_runs_run_id_fork": _OF_A_RUN,
    "get_v1_human_tasks_continuation_id": {"get_v1_runs_run_id": RUN_ID, **_OF_A_TASK, **_answer("/request/id")},
}


def add_links(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Add them to the answers of the operations that they lead on from (a hook of drf-spectacular)."""
    operations = [each for path in result["paths"].values() for each in path.values()]
    for operation in operations:
        targets = LINKS.get(operation["operationId"], {})
        links = {name: {"operationId": name, **link} for name, link in targets.items()}
        for status, answer in operation["responses"].items() if links else ():
            if status in {"200", "202"}:
                answer["links"] = links
    return result
