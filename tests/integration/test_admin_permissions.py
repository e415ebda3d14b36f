"""Who sees and does what in the admin: the groups are as the API's roles, for every page and every button there is."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client

from kneo_project.audit.models import AuditEvent
from kneo_project.people.groups import GROUPS, keep_groups
from runs.models import Run
from tests.factories import RunFactory
from tests.integration.admin_site import RUNS, act, operator, page_of, text

pytestmark = pytest.mark.django_db
EVERYBODY = {"Admin", "Operator", "Reviewer", "Viewer"}
ADMINS = {"Admin"}
# By model, the groups that see its rows, and those that may use the buttons on its pages.
MATRIX: dict[str, tuple[set[str], set[str]]] = {
    "apikeys.apikey": (ADMINS, ADMINS),
    "audit.auditevent": (EVERYBODY, ADMINS),
    "auth.group": (ADMINS, ADMINS),
    "auth.user": (ADMINS, ADMINS),
    "beatjobs.beatjob": (EVERYBODY, ADMINS),
    "humantasks.humantask": (EVERYBODY, {"Admin", "Reviewer"}),
    "runs.checkpoint": (EVERYBODY, ADMINS),
    "runs.leaseowner": (EVERYBODY, ADMINS),
    "runs.retentionmark": ({"Admin", "Operator"}, ADMINS),
    "runs.run": (EVERYBODY, {"Admin", "Operator"}),
    "runs.schedule": ({"Admin", "Operator", "Viewer"}, {"Admin", "Operator"}),
    "runs.traceevent": (EVERYBODY, ADMINS),
    "specs.specsnapshot": ({"Admin", "Operator", "Viewer"}, ADMINS),
    "specs.storedpolicy": ({"Admin", "Operator"}, {"Admin", "Operator"}),
    "webhooks.webhookdelivery": ({"Admin", "Operator"}, {"Admin", "Operator"}),
    "webhooks.webhooksubscription": ({"Admin", "Operator"}, {"Admin", "Operator"}),
}


def someone(group: str) -> Client:
    """Return the browser of a member of ``group``."""
    person = User.objects.create_user(group.lower(), is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    browser = Client()
    browser.force_login(person)
    return browser


def lists() -> Iterator[tuple[str, str]]:
    """Yield every model of the admin, and the address of its list."""
    for model in admin.site._registry:
        yield model._meta.label_lower, f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def actions() -> Iterator[tuple[str, str, str]]:
    """Yield every action there is: its model, the address of its list, and its name."""
    for model, page in admin.site._registry.items():
        for name in page.actions or ():
            yield model._meta.label_lower, f"/admin/{model._meta.label_lower.replace('.', '/')}/", str(name)


def test_the_matrix_is_about_every_model() -> None:
    assert {model for model, _ in lists()} == set(MATRIX)
    assert len(list(actions())) >= 8


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_sees_what_its_role_reads(group: str) -> None:
    browser = someone(group)
    seen = {model for model, address in lists() if browser.get(address).status_code == 200}
    assert seen == {model for model, (viewers, _) in MATRIX.items() if group in viewers}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_who_forges_an_action_that_is_not_his_is_refused(group: str) -> None:
    browser = someone(group)
    for model, address, name in actions():
        answer = browser.post(address, {"action": name, "confirmed": "yes"})
        assert (answer.status_code != 403) == (group in MATRIX[model][1]), (model, name)
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_nobody_sees_a_button_that_is_not_his(group: str) -> None:
    browser = someone(group)
    for model, address, name in actions():
        if group in MATRIX[model][0]:
            RunFactory.create(status="running")
            offered = f'value="{name}"' in browser.get(address).content.decode()
            assert offered <= (group in MATRIX[model][1]), (model, name)


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_runs_page_offers_its_buttons_to_those_who_may_press_them(group: str) -> None:
    run = RunFactory.create(status="running")
    page = text(someone(group).get(page_of("runs/run", run.pk)))
    assert ("Cancel this run" in page) == (group in MATRIX["runs.run"][1])


def test_a_viewer_who_forges_a_request_changes_nothing() -> None:
    run = RunFactory.create(status="running")
    assert act(someone("Viewer"), "cancel_selected", run.pk, confirmed="yes").status_code == 403
    assert Run.objects.get().status == "running"


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_page_links_only_to_what_one_may_see(group: str) -> None:
    run = RunFactory.create()
    page = someone(group).get(page_of("runs/run", run.pk))
    assert [each.label for each in page.context["related"]] == ["Spec"] * (group in MATRIX["specs.specsnapshot"][0])


def test_a_selection_that_is_none_is_a_bad_request() -> None:
    answer = operator().post(RUNS, {"action": "cancel_selected", "_selected_action": ["1"], "confirmed": "yes"})
    assert answer.status_code == 400


def test_who_is_in_no_group_sees_nothing() -> None:
    person = User.objects.create_user("nina", is_staff=True)
    browser = Client()
    browser.force_login(person)
    assert {browser.get(address).status_code for _, address in lists()} == {403}
    assert browser.get("/admin/").status_code == 200


def test_each_migration_mends_our_groups_and_leaves_those_of_others() -> None:
    Group.objects.get(name="Viewer").permissions.set(Permission.objects.filter(codename="change_run"))
    Group.objects.get(name="Reviewer").delete()
    Group.objects.create(name="Auditors").permissions.set(Permission.objects.filter(codename="view_auditevent"))
    for _ in range(2):
        keep_groups(apps.get_app_config("runs"), "default")
    held = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
    assert "change_run" not in held["Viewer"]
    assert "change_humantask" in held["Reviewer"]
    assert held["Auditors"] == {"view_auditevent"}
    assert len(held["Admin"]) == Permission.objects.count()


def test_our_groups_are_shown_and_not_changed() -> None:
    browser, viewer = operator(), Group.objects.get(name="Viewer")
    address = f"/admin/auth/group/{viewer.pk}/"
    assert browser.get(f"{address}change/").status_code == 200
    assert browser.post(f"{address}change/", {"name": "Mine"}).status_code == 403
    assert browser.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [viewer.pk], "post": "yes"}
    assert browser.post("/admin/auth/group/", chosen).status_code == 403
    assert Group.objects.filter(name="Viewer").exists()


def test_what_is_done_to_people_is_on_record() -> None:
    browser, groups = operator(), Group.objects.in_bulk(field_name="name")
    browser.post("/admin/auth/user/add/", {"username": "vera", "usable_password": "false"})
    vera = User.objects.get(username="vera")
    form = {"username": "vera", "is_staff": "on", "is_active": "on", "groups": [groups["Viewer"].pk]}
    browser.post(f"/admin/auth/user/{vera.pk}/change/", form)
    browser.post(f"/admin/auth/user/{vera.pk}/delete/", {"post": "yes"})
    told = list(AuditEvent.objects.order_by("pk").values_list("event_type", "actor"))
    assert told == [(f"user.{verb}", "olivia") for verb in ("created", "changed", "deleted")]
    changed = AuditEvent.objects.get(event_type="user.changed").metadata
    assert (changed["user"], changed["groups"], changed["superuser"]) == ("vera", ["Viewer"], False)


def test_a_list_still_says_when_nothing_was_chosen() -> None:
    assert "No action selected" in text(operator().post(RUNS, {"action": "", "_selected_action": ["1"]}, follow=True))


def test_permissions_of_every_app_exist_when_the_groups_are_kept() -> None:
    call_command("migrate", verbosity=0)
    assert set(Permission.objects.all()) == set(Group.objects.get(name="Admin").permissions.all())
