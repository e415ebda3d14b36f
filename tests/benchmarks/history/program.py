"""A program that fills a database and measures: ``python -m tests.benchmarks.history.program SMALL LARGE CALLS FILE``.

SMALL and LARGE are numbers of runs, CALLS is how often each request is sent. FILE gets the samples, as JSON.

A process of its own, because it is a web server for one caller: Django is set up for the database that it is given.
"""

import json
import logging
import sys
from collections import defaultdict
from pathlib import Path

import psycopg
from django.conf import settings

from kneo_project.wsgi import application
from runs.models import Run
from specs.services import SpecSource, freeze, store
from tests.benchmarks.clients import order_of
from tests.benchmarks.history.calls import Call, creation, lists, one, send
from tests.benchmarks.history.filling import fill, prepare
from tests.benchmarks.specs import sequence

WORKFLOWS = tuple(f"workflow-{number}" for number in range(8))
CREATED = "created-meanwhile"
WARM_UP_CALLS = 10
FORGET = (
    "DELETE FROM runs_checkpoint WHERE run_id IN (SELECT id FROM runs_run WHERE workflow_name = %s)",
    "DELETE FROM audit_auditevent WHERE run_id IN (SELECT id FROM runs_run WHERE workflow_name = %s)",
    "DELETE FROM runs_run WHERE workflow_name = %s",
)


def measure(calls: list[Call], count: int) -> dict[str, list[float]]:
    """Return the milliseconds of ``count`` rounds of ``calls``: in turns, so that noise meets all of them alike."""
    samples: dict[str, list[float]] = defaultdict(list)
    for number in range(-WARM_UP_CALLS, count):
        for call in calls:
            took = send(application, call)
            if number >= 0:
                samples[call.name].append(took)
    return samples


def measure_all(connection: psycopg.Connection, count: int) -> dict[str, list[float]]:
    """Return the milliseconds of everything that is measured at one size."""
    some_run = Run.objects.filter(workflow_name=WORKFLOWS[3], output_text__isnull=False).values_list("pk", flat=True)[0]
    samples = measure([*lists(WORKFLOWS[3]), one(some_run)], count)
    samples |= measure([creation(order_of(CREATED, steps=3))], count)
    # New runs have done nothing, so that a list of them would cost less.
    for statement in FORGET:
        connection.execute(statement.encode(), (CREATED,))
    return samples


def main(sizes: list[int], count: int, file: Path) -> None:
    """Fill, measure, fill up, measure again."""
    with (file.parent / "requests.log").open("w") as log:
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(log)
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
            specs = [freeze(SpecSource(spec=sequence(name, steps=3)), allowed_functions=None) for name in WORKFLOWS]
            prepare(connection, [(name, store(each).pk) for name, each in zip(WORKFLOWS, specs, strict=True)])
            samples = {}
            for before, size in zip([0, *sizes], sizes, strict=False):
                fill(connection, since=before, until=size)
                samples[size] = measure_all(connection, count)
    file.write_text(json.dumps(list(samples.values())))


if __name__ == "__main__":
    main([int(sys.argv[1]), int(sys.argv[2])], int(sys.argv[3]), Path(sys.argv[4]))
