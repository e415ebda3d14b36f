"""How a request about a run is answered: at once, after it came to rest, or as it was answered before."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.serializers import BaseSerializer

from kneo_project.errors import KneoError
from runs.engine.lifecycle import Status
from runs.errors import CostBudgetSpent, GuardrailBlocked, ProviderFailed, ProviderTimedOut, RunFailed, TokenBudgetSpent
from runs.idempotency import Key, keep_answer
from runs.inspection.run_views import RunView, outcome_view
from runs.models import IdempotencyRecord
from runs.serializers.showing import shown
from runs.views import examples
from runs.waiting import wait_until_rest

GUARDRAIL_FAULTS = frozenset({"GuardrailViolation", "ToolMiddlewareViolation", "ToolResultGuardrailViolation"})
HUMAN_REJECTION_FAULT = "human_rejected"
_BUDGETS: Mapping[str, type[KneoError]] = {
    "TokenBudgetExceeded": TokenBudgetSpent,
    "CostBudgetExceeded": CostBudgetSpent,
}
_MEANING: Mapping[str, type[KneoError]] = {
    "ProviderTimeout": ProviderTimedOut,
    "ProviderError": ProviderFailed,
    "ProviderCircuitOpen": ProviderFailed,
}
FAILURES = (
    TokenBudgetSpent(run_id=examples.RUN_ID),
    CostBudgetSpent(run_id=examples.RUN_ID),
    GuardrailBlocked(run_id=examples.RUN_ID, violation_type="GuardrailViolation"),
    RunFailed(run_id=examples.RUN_ID, error_type="RuntimeError"),
    ProviderFailed(run_id=examples.RUN_ID, error_type="ProviderError"),
    ProviderTimedOut(run_id=examples.RUN_ID, error_type="ProviderTimeout"),
)
"""How a request may be refused that waits for a run."""
_FAILED = frozenset({Status.FAILED, Status.TIMED_OUT, Status.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run somebody waited for; ``is_at_rest`` is False when the waiting ended first."""

    view: RunView
    is_at_rest: bool

    @property
    def status_code(self) -> int:
        """200 for an outcome, 202 for a run that goes on."""
        return 200 if self.is_at_rest else 202


def wait_for(run_id: uuid.UUID) -> Outcome:
    """Return what became of the run.

    Raises:
        KneoError: it failed or was ended (see ``FAILURES``); with its id.
    """
    is_at_rest = wait_until_rest(run_id)
    view = outcome_view(run_id)
    if view.run.status in _FAILED:
        _refuse(view)
    return Outcome(view=view, is_at_rest=is_at_rest)


def respond(serializer: BaseSerializer[RunView], *, status: int, key: Key | None, keep: bool = True) -> HttpResponse:
    """Return the answer that ``serializer`` makes, kept under ``key`` to be given again if ``keep`` says so."""
    body = JSONRenderer().render(shown(serializer)).decode()
    if keep:
        keep_answer(key, status_code=status, response=body)
    return _json(body, status)


def kept(promised: IdempotencyRecord | None) -> HttpResponse | None:
    """Return the answer that was given before, if one was."""
    if promised is None or promised.response is None:
        return None
    return _json(promised.response, promised.status_code or 200)


def _json(body: str, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json")


def _refuse(view: RunView) -> None:
    """Raise what the end of the run means to the caller; a person's rejection is no failure of the request."""
    kind = view.run.error_type or view.run.status
    run_id = str(view.run.pk)
    if kind == HUMAN_REJECTION_FAULT:
        return
    if kind in GUARDRAIL_FAULTS:
        raise GuardrailBlocked(run_id=run_id, violation_type=kind)
    if kind in _BUDGETS:
        raise _BUDGETS[kind](run_id=run_id)
    raise _MEANING.get(kind, RunFailed)(run_id=run_id, error_type=kind)
