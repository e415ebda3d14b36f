"""The first page of the admin: what needs somebody, what is the case now, and what happened lately.

Each part is shown to those who may view the rows that it is about.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from runs.admin import charts, figures, overview_tables
from runs.inspection import jobs, overview, trends
from runs.periods import PERIODS, Period

REFRESH_SECONDS = 5
WHOLE, FRAGMENT = "admin/kneo/page.html", "admin/kneo/fragment.html"

type Part = Mapping[str, Any]


def first_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return ``context`` with what the first page shows (named in the setting ``UNFOLD``).

    ``?over=`` is the word of a period. ``?fragment=1`` is the page without its frame, for the script that refreshes it.
    """
    now = timezone.now()
    period = next((period for period in PERIODS if period.word == request.GET.get("over")), PERIODS[0])
    shown: dict[str, Any] = {"needs": [], "has_parts": False}
    for permission, part in _PARTS.items():
        if request.user.has_perm(permission):
            found = dict(part(period, now))
            shown["needs"] += found.pop("needs", [])
            shown |= {**found, "has_parts": True}
    return {
        **context,
        **shown,
        "is_well": not any(need.is_something for need in shown["needs"]),
        "frame": FRAGMENT if "fragment" in request.GET else WHOLE,
        "period": period,
        "periods": PERIODS,
        "now": now,
        "refresh_seconds": REFRESH_SECONDS,
    }


def _runs(period: Period, now: datetime) -> Part:
    runs, trend, most = overview.runs_now(), trends.trend(period, now), trends.spenders(period, now)
    return {
        "needs": list(figures.needs(runs)),
        "statuses": list(figures.statuses(runs)),
        "queue": figures.queue(runs),
        "lately": figures.lately(trend),
        "runs_chart": charts.runs_chart(trend),
        "lengths_chart": charts.lengths_chart(trend),
        "lengths": overview_tables.lengths(trend),
        "tokens": figures.tokens(trend),
        "tokens_chart": charts.tokens_chart(trend),
        "cost": figures.cost(trend),
        "cost_chart": charts.cost_chart(trend),
        "by_workflow": overview_tables.by_workflow(most),
        "by_model": overview_tables.by_model(most),
        "counted_at": jobs.counted_at(),
    }


def _people(_period: Period, _now: datetime) -> Part:
    return {"people": figures.people(overview.people_now())}


def _workers(_period: Period, _now: datetime) -> Part:
    return {"workers": overview_tables.workers(overview.workers_now())}


def _jobs(_period: Period, now: datetime) -> Part:
    known = jobs.jobs_now()
    return {
        "needs": [figures.late(known, now)],
        "jobs": overview_tables.jobs(known, now, pruned_at=jobs.pruned_at()),
    }


def _webhooks(_period: Period, _now: datetime) -> Part:
    return {"webhooks": [figures.dead(overview.dead_deliveries())]}


_PARTS: Mapping[str, Callable[[Period, datetime], Part]] = {
    "runs.view_run": _runs,
    "humantasks.view_humantask": _people,
    "runs.view_leaseowner": _workers,
    "beatjobs.view_beatjob": _jobs,
    "webhooks.view_webhookdelivery": _webhooks,
}
