"""What was added up is what a recount finds. What was pruned stays counted, so then a recount may find less."""

from collections.abc import Iterator, Mapping

from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from humantasks.models import HumanTask
from kneo_project.audit.models import AuditEvent
from runs.consistency.rules import Rule
from runs.engine.progress import RecordType
from runs.models import Checkpoint, HourlyTally, Run, StatisticsMark, TotalTally
from runs.rejections import KIND as REJECTED

GIVEN_UP = Q(error_type="dead_letter")
WHOLE = Q(run__within=None)
_COUNTED: Mapping[str, Q] = {
    "started": Q(type=RecordType.RUN_STARTED) & WHOLE,
    "steps": Q(type=RecordType.STEP_COMPLETED),
    "failed_steps": Q(type=RecordType.STEP_FAILED),
    "completed": Q(type=RecordType.RUN_COMPLETED) & WHOLE,
    "failed": Q(type=RecordType.RUN_FAILED) & WHOLE & ~GIVEN_UP,
    "cancelled": Q(type=RecordType.RUN_CANCELLED) & WHOLE,
    "timed_out": Q(type=RecordType.RUN_TIMED_OUT) & WHOLE,
    "expired": Q(type=RecordType.RUN_EXPIRED) & WHOLE,
    "dead_lettered": Q(type=RecordType.RUN_FAILED) & WHOLE & GIVEN_UP,
}


def totals_miscounted() -> Iterator[str]:
    """Yield the kinds whose total is not what a recount up to the mark of the statistics finds."""
    mark, told = _told()
    fits = _at_least if _was_pruned() else _exactly
    for kind, count in _recount(mark).items():
        if not fits(told.get(kind, 0), count):
            yield f"{kind}: {told.get(kind, 0)} told, {count} counted"


def hours_miscounted() -> Iterator[str]:
    """Yield the kinds whose hours add up to more than the total, or to less though no hour was pruned."""
    fits = _at_least if _was_pruned() else _exactly
    hours = HourlyTally.objects.filter(kind=OuterRef("kind")).order_by().values("kind").annotate(sum=Sum("count"))
    totals = TotalTally.objects.exclude(kind=REJECTED).annotate(hours=Coalesce(Subquery(hours.values("sum")), 0))
    for kind, total, in_hours in totals.order_by("kind").values_list("kind", "count", "hours"):
        if not fits(total, in_hours):
            yield f"{kind}: {total} in total, {in_hours} in all hours"


def _told() -> tuple[StatisticsMark, dict[str, int]]:
    """Return the totals, and the mark that they reach up to: beat moves both at once, perhaps in between."""
    mark = _mark()
    while True:
        told = dict(TotalTally.objects.values_list("kind", "count"))
        seen, mark = mark, _mark()
        if (seen.checkpoint_id, seen.answers_until) == (mark.checkpoint_id, mark.answers_until):
            return mark, told


def _mark() -> StatisticsMark:
    return StatisticsMark.objects.filter(pk=StatisticsMark.ONLY).first() or StatisticsMark()


def _recount(mark: StatisticsMark) -> dict[str, int]:
    # A fork has the history of its parent, which is counted there; what was imported ran elsewhere.
    own = Checkpoint.objects.filter(
        pk__lte=mark.checkpoint_id, created_at__gte=F("run__created_at"), run__imported_at=None
    )
    counts = own.aggregate(**{kind: Count("pk", filter=which) for kind, which in _COUNTED.items()})
    if mark.answers_until is not None:
        answered = HumanTask.objects.filter(decided_at__lt=mark.answers_until, decided_by__isnull=False)
        counts["answered"] = answered.count()
    return counts


def _was_pruned() -> bool:
    return (
        AuditEvent.objects.filter(event_type="retention.pruned").exists()
        or Run.objects.filter(history_pruned_at__isnull=False).exists()
    )


def _exactly(told: int, counted: int) -> bool:
    return told == counted


def _at_least(told: int, counted: int) -> bool:
    return told >= counted


RULES = (
    Rule(code="tally_miscounted", text="is a total that a recount does not find", find=totals_miscounted),
    Rule(code="hourly_tally_miscounted", text="is a total that its hours do not add up to", find=hours_miscounted),
)
