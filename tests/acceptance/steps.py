"""The functions of this ring's specs. Each notes in its run's ledger what it does, and passes its text on."""

import logging
import os
import random
import re
import time

from runs.agents.context import StepContext
from runs.models import Run
from tests.acceptance.ledger import Entry, Event, Ledger

TOKEN = re.compile(r"[0-9a-f]{32}")
logger = logging.getLogger(__name__)
GATE_POLL_SECONDS = 0.02
ITEMS = 6


def mark(text: str, context: StepContext) -> str:
    """Do nothing else."""
    _note(text, context, Event.BEGAN)
    return text


def several(text: str, context: StepContext) -> list[str]:
    """Return items for a map, each of which is the text."""
    _note(text, context, Event.BEGAN)
    return [text] * ITEMS


def gate(text: str, context: StepContext) -> str:
    """Wait until the test opens the gate of this step, or until nobody waits for the result any more."""
    _wait_at_gate(Ledger.of_this_process(text), context)
    return text


def work(text: str, context: StepContext) -> str:
    """Wait like ``gate``, and say so in the text; the ledger's name is somewhere in it."""
    found = TOKEN.search(text)
    assert found is not None
    _wait_at_gate(Ledger.of_this_process(found[0]), context)
    return f"{text}>{context.step_path.rpartition('/')[2]}"


def stroll(text: str, context: StepContext) -> str:
    """Take some time, and say so in the text; the ledger's name is somewhere in it."""
    found = TOKEN.search(text)
    assert found is not None
    ledger = Ledger.of_this_process(found[0])
    _write(ledger, context, Event.BEGAN)
    time.sleep(random.uniform(0.1, 1.0))
    _write(ledger, context, Event.PASSED)
    return f"{text}>{context.step_path.rpartition('/')[2]}"


def pair(text: str) -> list[str]:
    """Return two items for a map."""
    return [text, text]


def nap(text: str, context: StepContext) -> str:
    """Take a second."""
    return _sleep(text, context, seconds=1)


def long_nap(text: str, context: StepContext) -> str:
    """Take five seconds."""
    return _sleep(text, context, seconds=5)


def exit_process(text: str, context: StepContext) -> str:
    """End the process without a word."""
    _note(text, context, Event.BEGAN)
    os._exit(1)


def token_of_run(text: str, context: StepContext) -> str:
    """Return the name of the ledger that the run was given."""
    found = TOKEN.search(Run.objects.get(pk=context.run_id).input_text)
    assert found is not None
    return found[0]


def fall(text: str) -> str:
    """Say so, and fail with a secret in the message."""
    logger.warning("I fall now.")
    raise RuntimeError("It fell: password=correct-horse-battery")


def tool(arguments: dict[str, str], context: StepContext) -> str:
    """Be called by an agent: note which call it is."""
    ledger = Ledger.of_this_process(arguments["ledger"])
    ledger.write(Entry(step=context.call, event=Event.BEGAN, attempt=context.attempt))
    return f"call {context.call}"


def _wait_at_gate(ledger: Ledger, context: StepContext) -> None:
    _write(ledger, context, Event.BEGAN)
    while not ledger.is_open(context.step_path):
        if context.interrupt.is_tripped:
            _write(ledger, context, Event.INTERRUPTED)
            return
        time.sleep(GATE_POLL_SECONDS)
    _write(ledger, context, Event.PASSED)


def _sleep(text: str, context: StepContext, *, seconds: float) -> str:
    _note(text, context, Event.BEGAN)
    time.sleep(seconds)
    _note(text, context, Event.PASSED)
    return text


def _note(text: str, context: StepContext, event: Event) -> None:
    _write(Ledger.of_this_process(text), context, event)


def _write(ledger: Ledger, context: StepContext, event: Event) -> None:
    ledger.write(Entry(step=context.step_path, event=event, attempt=context.attempt))
