"""Everything that is looked at."""

from collections.abc import Sequence

from kneo_project.doctor import databases
from kneo_project.doctor.base import OF_DATABASE, OF_SURROUNDINGS
from kneo_project.doctor.findings import Examination, Finding, diagnose, warning
from runs.doctor import backlog, processes

OF_RUNS = (
    Examination(subject=databases.CLOCK, examine=processes.clocks_of_records),
    Examination(subject=processes.WORKERS, examine=processes.workers),
    Examination(subject=processes.BEAT, examine=processes.beat),
    Examination(subject=backlog.RUNS, examine=backlog.runs),
    Examination(subject=backlog.TASKS, examine=backlog.human_tasks),
    Examination(subject=backlog.WEBHOOKS, examine=backlog.webhooks),
)


def examine_all() -> Sequence[Finding]:
    """Look at everything, and return what was found. A database that is away keeps nobody from the rest."""
    silence = databases.silence()
    if silence is None:
        return list(diagnose([*OF_DATABASE, *OF_RUNS, *OF_SURROUNDINGS]))
    return [silence, *diagnose(OF_SURROUNDINGS), _left_out()]


def _left_out() -> Finding:
    names = dict.fromkeys(each.subject for each in (*OF_DATABASE[1:], *OF_RUNS))
    text = f"Not looked at without the database: {', '.join(names)}."
    return warning("others", text, "Ask again once it answers.")
