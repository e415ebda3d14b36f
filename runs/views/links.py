"""Links of the OpenAPI document: with what a caller can go on once it was answered."""

from collections.abc import Mapping
from typing import Any

RUN_ID = {"run_id": "$response.body#/run_id"}
TASK_ID = {"continuation_id": "$response.body#/continuation_id"}
LINKS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "post_v1_runs": {
        "get_v1_runs_run_id": RUN_ID,
        "post_v1_runs_run_id_cancel": RUN_ID,
        "post_v1_runs_run_id_fork": RUN_ID,
        "get_v1_runs_run_id_trace": RUN_ID,
        "get_v1_runs_run_id_checkpoints": RUN_ID,
        "get_v1_runs_run_id_recovery": RUN_ID,
        "get_v1_runs_run_id_replay": RUN_ID,
        "get_v1_runs_run_id_graph": RUN_ID,
        "get_v1_human_tasks_continuation_id": TASK_ID,
        "post_v1_human_tasks_continuation_id_resume": TASK_ID,
    },
    "post_v1_runs_run_id_fork": {"get_v1_runs_run_id": RUN_ID, "post_v1_runs_run_id_continue": RUN_ID},
}


def add_links(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Add them to the answers of the operations that they lead on from (a hook of drf-spectacular)."""
    operations = [each for path in result["paths"].values() for each in path.values()]
    for operation in operations:
        targets = LINKS.get(operation["operationId"], {})
        links = {name: {"operationId": name, "parameters": dict(where)} for name, where in targets.items()}
        for status, answer in operation["responses"].items() if links else ():
            if status in {"200", "202"}:
                answer["links"] = links
    return result
