"""People at the admin site: who they are and what their browsers say."""

from typing import TYPE_CHECKING

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils.html import strip_tags

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Page

MODELS = (
    "audit/auditevent",
    "beatjobs/beatjob",
    "humantasks/humantask",
    "runs/checkpoint",
    "runs/leaseowner",
    "runs/run",
    "runs/traceevent",
    "specs/specsnapshot",
    "webhooks/webhookdelivery",
    "webhooks/webhooksubscription",
)
RUNS = "/admin/runs/run/"
TASKS = "/admin/humantasks/humantask/"


def operator(*, enforce_csrf_checks: bool = False) -> Client:
    """Return the browser of Olivia, who may do everything."""
    return _logged_in(User.objects.create_superuser("olivia"), Client(enforce_csrf_checks=enforce_csrf_checks))


def member(name: str, *permissions: str) -> Client:
    """Return the browser of a member of staff with these permissions, such as ``view_run``."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return _logged_in(user, Client())


def text(page: "Page") -> str:
    """Return what a page says, without its markup."""
    return " ".join(strip_tags(page.content.decode().replace("<", " <")).split())


def page_of(model: str, key: object) -> str:
    """Return the address of a row's page."""
    return f"/admin/{model}/{key}/change/"


def act(browser: Client, action: str, *rows: object, where: str | None = None, **answers: str) -> "Page":
    """Choose an action for ``rows`` in their list; ``confirmed="yes"`` answers its question too."""
    where = where or (RUNS if action.startswith(("cancel", "continue")) else TASKS)
    chosen = {"action": action, "_selected_action": [str(row) for row in rows], **answers}
    return browser.post(where, chosen, follow=True)


def _logged_in(user: User, browser: Client) -> Client:
    browser.force_login(user)
    return browser
