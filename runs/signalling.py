"""Telling a run that something has happened outside."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from kneo_project.audit.services import record
from kneo_project.json_schema import JsonSchema
from kneo_project.transient import retry_transient
from runs import services, transitions
from runs.errors import IdempotencyKeyConflict, InvalidSignal, RunStateConflict, SignalNotFound
from runs.models import Signal
from runs.signal_texts import variables_of
from specs.language.plan import SignalPlan
from specs.language.variables import VariableInvalid
from specs.services import load_plan

SCOPE = "runs:signal"


@retry_transient
def send_signal(
    run_id: uuid.UUID, name: str, payload: Mapping[str, Any], *, actor: str, word: str | None = None
) -> Signal:
    """Keep the signal ``name`` for the run, which takes it when it waits for it: earlier ones are taken first.

    The same ``word`` (an idempotency key) is one and the same signal.

    Raises RunNotFound, SignalNotFound, InvalidSignal, RunStateConflict for a run that has ended, and
    IdempotencyKeyConflict for a word that somebody else used, or for another payload.
    """
    run = services.find_run(run_id)
    signal = load_plan(run.snapshot_id).signals.get(name)
    if signal is None:
        raise SignalNotFound(run_id=str(run_id), signal=name)
    _refuse_misfit(signal, payload)
    with transaction.atomic():
        run = services.locked_run(run_id)
        known = Signal.objects.filter(run=run, name=name, word=word).first() if word else None
        if known is not None:
            if (known.sent_by, known.payload) != (actor, dict(payload)):
                raise IdempotencyKeyConflict(scope=SCOPE)
            return known
        if run.is_terminal:
            raise RunStateConflict(run_id=str(run_id), status=run.status)
        sent = Signal.objects.create(
            run=run, name=name, payload=dict(payload), word=word, sent_by=actor, received_at=timezone.now()
        )
        transitions.wake(run)
        record("run.signalled", actor=actor, run_id=run.pk, metadata={"signal": name, "signal_id": sent.pk})
    return sent


def _refuse_misfit(signal: SignalPlan, payload: Mapping[str, Any]) -> None:
    if signal.payload_schema is not None:
        problem = JsonSchema(signal.payload_schema).first_problem(dict(payload))
        if problem is not None:
            inside = problem.within("payload")
            raise InvalidSignal(f"{inside}.", field=inside.where)
    try:
        variables_of(signal, payload)
    except VariableInvalid as error:
        raise InvalidSignal(str(error), field="payload") from None
