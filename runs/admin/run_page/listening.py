"""What happens to a run and its branches, told to its page."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from runs.errors import InvalidLastEventId, TooManyListeners
from runs.events.listening import last_event_id, listen, place_in
from runs.events.streams import OfWhole
from runs.models import Run


def events(request: HttpRequest, run: Run) -> HttpResponseBase:
    """Answer with the events after the one that the page knows: Last-Event-ID, or ``after`` in its first request.

    With 204 when the run has ended and the page knows it, so that the browser does not come back. A refusal is no
    stream: the page says that it is not live.
    """
    try:
        known = last_event_id(request.headers)
        after = place_in(request.GET.get("after", "")) if known is None else known
        if run.is_terminal and (after or 0) >= _last_number(run):
            return HttpResponse(status=204)
        return listen(request, OfWhole(run_id=run.pk, after=after or 0))
    except (InvalidLastEventId, TooManyListeners) as error:
        return JsonResponse({"error": error.code, "message": error.message}, status=error.status)


def _last_number(run: Run) -> int:
    return run.checkpoints.order_by("-sequence").values_list("pk", flat=True).first() or 0
