"""The columns that lists, pages and tables about runs share."""

from datetime import datetime
from typing import Protocol

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.html import format_html

from kneo_project.site import showing
from kneo_project.site.pages import Related
from kneo_project.site.showing import NOTHING, Tone
from runs.engine.lifecycle import Status
from runs.models import LeaseOwner, Run, Schedule

TONES = {
    Status.CREATED: Tone.QUIET,
    Status.RUNNING: Tone.BUSY,
    Status.BLOCKED: Tone.WAITING,
    Status.COMPLETED: Tone.GOOD,
    Status.FAILED: Tone.BAD,
    Status.CANCELLED: Tone.QUIET,
    Status.TIMED_OUT: Tone.BAD,
    Status.EXPIRED: Tone.BAD,
}


class OwnedRun(Protocol):
    """A run as ``with_owner`` returns it."""

    lease_owner: str | None
    owner_until: datetime | None


class ListedRun(Protocol):
    """A run as its list reads it."""

    error_type: str | None
    error_head: str | None


def status_badge(status: str) -> str:
    """Return a run's status as a badge."""
    return showing.badge(status, TONES[Status(status)])


def with_owner(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Return ``runs`` with ``owner_until``: how long their owner's lease lasts, unless it is renewed."""
    owner_row = LeaseOwner.objects.filter(pk=OuterRef("lease_owner"))
    return runs.annotate(owner_until=Subquery(owner_row.values("expires_at")))


def owner(run: OwnedRun) -> str:
    """Return who advances the run, and whether that worker has been heard of lately."""
    if run.lease_owner is None:
        return NOTHING
    return format_html("{} {}", life_badge(run.owner_until), showing.words(run.lease_owner))


def life_badge(until: datetime | None) -> str:
    """Return whether a lease that lasts ``until`` is alive, as a badge."""
    is_alive = until is not None and until > timezone.now()
    return showing.badge("alive", Tone.GOOD) if is_alive else showing.badge("lapsed", Tone.BAD)


def flagged(at: datetime | None, *, is_late: bool, word: str) -> str:
    """Return a moment's age, flagged with ``word`` when it has passed and should not have."""
    shown = showing.age(at)
    return format_html("{} {}", shown, showing.badge(word, Tone.BAD)) if is_late else shown


def spec_name(row: Run | Schedule) -> str:
    """Return the path of the spec of a run or a schedule, where it has one."""
    return showing.words(row.spec_path) if row.spec_path else "inline"


def spec_link(row: Run | Schedule) -> Related:
    """Return the link of a row's page to its spec."""
    return Related(label="Spec", url=showing.address("specs_specsnapshot_change", args=[row.snapshot_id]))


def run_address(run_id: object) -> str:
    """Return the address of the page of a run."""
    return showing.address("runs_run_change", args=[run_id])


def step_address(run_id: object, place: str) -> str:
    """Return the address of the page of the step at ``place``."""
    return showing.address("runs_run_step", args=[run_id], query={"place": place})


def error(error_type: str | None, message: str | None) -> str:
    """Return what went wrong, on one line."""
    return f"{showing.words(error_type)}: {showing.excerpt(message, 80)}" if error_type else NOTHING
