"""The groups of people, which may on the operators' site what the roles of the same names may over the API."""

from collections.abc import Mapping, Sequence

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from kneo_project.principals import EVERY_SCOPE, ROLES

# By group, the role whose scopes it has. Who has a group of his own making has its permissions.
GROUPS: Mapping[str, str] = {"Admin": "admin", "Operator": "operator", "Reviewer": "reviewer", "Viewer": "viewer"}
# By scope, the permissions: to see the rows of a model ("view"), and to use the buttons on its pages ("change").
PERMISSIONS: Mapping[str, Sequence[str]] = {
    "runs:read": (
        "runs.view_run",
        "runs.view_checkpoint",
        "runs.view_traceevent",
        "runs.view_leaseowner",
        "beatjobs.view_beatjob",
    ),
    "runs:write": ("runs.change_run",),
    "specs:read": ("specs.view_specsnapshot",),
    "human:read": ("humantasks.view_humantask",),
    "human:write": ("humantasks.change_humantask",),
    "audit:read": ("audit.view_auditevent",),
    "schedules:read": ("runs.view_schedule",),
    "schedules:write": ("runs.change_schedule",),
    "policies:read": ("specs.view_storedpolicy", "runs.view_retentionmark"),
    "policies:write": ("specs.change_storedpolicy",),
    "webhooks:read": ("webhooks.view_webhooksubscription", "webhooks.view_webhookdelivery"),
    "webhooks:write": ("webhooks.change_webhooksubscription", "webhooks.change_webhookdelivery"),
}
LAST_APP = "runs"


def keep_groups(app_config: AppConfig, using: str, **_: object) -> None:
    """Make the groups and give each exactly what is its own (the signal ``post_migrate``); others stay as they are."""
    if app_config.label != LAST_APP:
        return
    for name, role in GROUPS.items():
        group, _made = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set(_granted(role, using))


def is_kept(group: Group) -> bool:
    """Return whether the group is one of ours, whose permissions are not for people to change."""
    return group.name in GROUPS


def _granted(role: str, using: str) -> QuerySet[Permission]:
    rows = Permission.objects.using(using)
    if EVERY_SCOPE in ROLES[role]:
        return rows.all()
    wanted = Q(pk__in=())
    for scope in ROLES[role]:
        for each in PERMISSIONS.get(scope, ()):
            app, _, codename = each.partition(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
    return rows.filter(wanted)
