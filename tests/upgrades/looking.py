"""Run by the upgrade test on an earlier database: migrates it, prints what the API answers and what does not fit."""

import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from runs.consistency.auditing import audit  # noqa: E402

client = Client(raise_request_exception=False, SERVER_NAME="localhost")


def answer(path: str) -> object:
    """Return the answer, or the status of a refusal."""
    given = client.get(f"/v1/{path}")
    return given.json() if given.status_code == 200 else given.status_code


if __name__ == "__main__":
    call_command("migrate", verbosity=0, interactive=False)
    # The log of events first: asking for some of the others is an event.
    paths = sorted(json.load(sys.stdin), key=lambda path: path != "audit-events")
    answers = {path: answer(path) for path in paths}
    json.dump({"answers": answers, "breaches": [breach.as_document() for breach in audit()]}, sys.stdout)
