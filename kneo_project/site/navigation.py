"""The way to every page: what stands in the sidebar, and for whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from kneo_project.site.showing import address


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page: its title, the name of its Material Symbol, and the permission without which nobody sees it.

    ``page`` is the name of its address, such as ``runs_run_changelist``. No permission is needed by default.
    """

    title: str
    icon: str
    page: str
    permission: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pages that belong together, under a heading."""

    title: str
    entries: Sequence[Entry]


def rows_of(app: str, model: str, title: str, icon: str) -> Entry:
    """Return the entry of a model's list, for those who may view its rows."""
    return Entry(title=title, icon=icon, page=f"{app}_{model}_changelist", permission=f"{app}.view_{model}")


SECTIONS = (
    Section(title="", entries=[Entry(title="Overview", icon="dashboard", page="index")]),
    Section(
        title="Work",
        entries=[
            rows_of("runs", "run", "Runs", "play_circle"),
            rows_of("humantasks", "humantask", "Human tasks", "inbox"),
            rows_of("runs", "leaseowner", "Workers", "memory"),
            rows_of("beatjobs", "beatjob", "Beat", "ecg_heart"),
        ],
    ),
    Section(
        title="Definitions",
        entries=[
            Entry(
                title="Check and run", icon="fact_check", page="runs_schedule_new", permission="specs.view_specsnapshot"
            ),
            rows_of("runs", "schedule", "Schedules", "schedule"),
            rows_of("specs", "specsnapshot", "Specs", "account_tree"),
            rows_of("specs", "storedpolicy", "Policies", "policy"),
        ],
    ),
    Section(
        title="Records",
        entries=[
            rows_of("runs", "checkpoint", "Checkpoints", "flag"),
            rows_of("runs", "traceevent", "Trace", "timeline"),
            rows_of("audit", "auditevent", "Audit", "history"),
            rows_of("runs", "retentionmark", "Retention", "auto_delete"),
        ],
    ),
    Section(
        title="Access",
        entries=[
            rows_of("auth", "user", "Users", "person"),
            rows_of("auth", "group", "Groups", "group"),
            rows_of("apikeys", "apikey", "API keys", "key"),
            rows_of("webhooks", "webhooksubscription", "Webhooks", "webhook"),
            rows_of("webhooks", "webhookdelivery", "Deliveries", "outbox"),
        ],
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return what this user finds in the sidebar (the setting ``UNFOLD``)."""
    here = max((page for page in map(_address, _entries()) if request.path.startswith(page)), key=len, default="")
    return [{"title": section.title, "items": _items(section, request, here)} for section in SECTIONS]


def _entries() -> Iterator[Entry]:
    return (entry for section in SECTIONS for entry in section.entries)


def _address(entry: Entry) -> str:
    return address(entry.page)


def _items(section: Section, request: HttpRequest, here: str) -> list[dict[str, Any]]:
    return [
        {"title": entry.title, "icon": entry.icon, "link": _address(entry), "active": _address(entry) == here}
        for entry in section.entries
        if not entry.permission or request.user.has_perm(entry.permission)
    ]
