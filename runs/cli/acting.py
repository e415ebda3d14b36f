"""``runs cancel``, ``continue`` and ``wait``: what a person may want of a run."""

from kneo_project.cli.service import Service
from runs.cli.following import RunEnded, follow, outcome_of, show_outcome
from runs.cli.options import AsJson, RunId, order_key, run_path
from runs.cli.showing import show_run
from specs.cli.asking import asks_service


class NotCancelled(RunEnded):
    """The run had ended before."""

    code = "run_state_conflict"
    status = 409


@asks_service
def cancel(service: Service, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Cancel a run. Exit status 1 if it had ended otherwise."""
    run = service.post(run_path(run_id, "cancel"), key=order_key())
    if run["status"] != "cancelled":
        raise NotCancelled(f"The run {run_id} is {run['status']} and stays so.", run_id=run_id, status=run["status"])
    show_run(run, as_json=as_json)


@asks_service
def continue_run(service: Service, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Go on with a run that failed, from the step that failed, and show what becomes of it."""
    service.post(run_path(run_id, "continue"), key=order_key())
    show_outcome(outcome_of(follow(service, run_id)), as_json=as_json)


@asks_service
def wait(service: Service, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Wait until a run rests, and show what became of it. Where no service is asked, its work is done here."""
    service.get(run_path(run_id))
    show_outcome(outcome_of(follow(service, run_id)), as_json=as_json)
