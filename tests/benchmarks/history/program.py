"""A program that fills a database and asks the API about it: ``python -m tests.benchmarks.history.program RUNS``.

The last run was created just now, or at the moment that follows. It says so when there are as many RUNS. Then it reads
words, each on a line, and answers each with a line of JSON: the milliseconds of every request of that round.

A process of its own, because it is a web server for one caller: Django is set up for the database that it is given.
"""

import json
import logging
import sys
from datetime import datetime

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from kneo_project.wsgi import application
from runs import statistics
from runs.models import Run
from specs.services import SpecSource, freeze, store
from tests.benchmarks.clients import order_of
from tests.benchmarks.history.calls import CREATE, READ, Call, creation, lists, one, pages, send
from tests.benchmarks.history.filling import FIRST_RUNS, fill, prepare
from tests.benchmarks.specs import sequence

WORKFLOWS = tuple(f"workflow-{number}" for number in range(8))
SOME_WORKFLOW = WORKFLOWS[3]
READY = "ready"


def fill_up(runs: int, newest: datetime | None) -> None:
    """Have as many ``runs``: the first ones are the same however many follow."""
    specs = {name: freeze(SpecSource(spec=sequence(name, steps=3)), allowed_functions=None) for name in WORKFLOWS}
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        prepare(connection, [(name, store(spec).pk) for name, spec in specs.items()])
        fill(connection, since=0, until=FIRST_RUNS, newest=newest)
        if runs > FIRST_RUNS:
            fill(connection, since=FIRST_RUNS, until=runs, newest=newest)
    while statistics.settle():  # the beat would have done so
        pass


def rounds() -> dict[str, list[Call]]:
    """Return what is asked at which word. New runs have done nothing: they would make the lists cheaper."""
    of_one_workflow = Run.objects.filter(workflow_name=SOME_WORKFLOW, output_text__isnull=False)
    some_run = of_one_workflow.values_list("pk", flat=True)[0]
    operator = Client()
    operator.force_login(get_user_model().objects.create_superuser("operator"))
    cookie = f"{settings.SESSION_COOKIE_NAME}={operator.cookies[settings.SESSION_COOKIE_NAME].value}"
    asked = [*lists(SOME_WORKFLOW), one(some_run), *pages(some_run, cookie)]
    return {READ: asked, CREATE: [creation(order_of("new", steps=3))]}


def main(runs: int, newest: datetime | None = None) -> None:
    """Fill, then answer for as long as somebody asks."""
    with (settings.STATE_DIR / "requests.log").open("w") as log:
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(log)
        fill_up(runs, newest)
        calls = rounds()
        _say(READY)
        for word in sys.stdin:
            _say({call.name: send(application, call) for call in calls[word.strip()]})


def _say(words: object) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(datetime.fromisoformat, sys.argv[2:]))
