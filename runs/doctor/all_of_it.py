"""Everything that is looked at."""

from collections.abc import Sequence

from django.db import DatabaseError, connection

from kneo_project.doctor import databases
from kneo_project.doctor.base import OF_DATABASE, OF_SURROUNDINGS
from kneo_project.doctor.findings import Examination, Finding, diagnose, warning
from runs.doctor import backlog, months, processes

OF_RUNS = (
    Examination(subject=databases.CLOCK, examine=processes.clocks_of_records),
    Examination(subject=processes.WORKERS, examine=processes.workers),
    Examination(subject=processes.BEAT, examine=processes.beat),
    Examination(subject=backlog.RUNS, examine=backlog.runs),
    Examination(subject=backlog.TASKS, examine=backlog.human_tasks),
    Examination(subject=backlog.WEBHOOKS, examine=backlog.webhooks),
    Examination(subject=months.MONTHS, examine=months.partitions),
)


def examine_all() -> Sequence[Finding]:
    """Look at everything, and return what was found. A database that is away keeps nobody from the rest."""
    silence = databases.silence()
    if silence is not None:
        return [silence, *diagnose(OF_SURROUNDINGS), _left_out([*OF_DATABASE[1:], *OF_RUNS], "the database")]
    if _lacks_tables():
        return [*diagnose(OF_DATABASE), *diagnose(OF_SURROUNDINGS), _left_out(OF_RUNS, "its tables")]
    return list(diagnose([*OF_DATABASE, *OF_RUNS, *OF_SURROUNDINGS]))


def _lacks_tables() -> bool:
    try:
        there = set(connection.introspection.table_names())
    except DatabaseError:
        return True
    return not set(connection.introspection.django_table_names()) <= there


def _left_out(examinations: Sequence[Examination], without: str) -> Finding:
    names = dict.fromkeys(each.subject for each in examinations)
    text = f"Not looked at without {without}: {', '.join(names)}."
    return warning("others", text, "Ask again once that is mended.")
