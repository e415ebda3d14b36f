"""``manage.py person``: who may use the operators' site. The password comes from a file, never from the line."""

import io
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from kneo_project.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def person(*arguments: object) -> str:
    """Return what the command prints."""
    out = io.StringIO()
    call_command("person", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_reviewer_logs_in_with_the_password_of_the_file(file: Path) -> None:
    said = person("rita", "--group", "Reviewer", "--password-file", file)
    assert said == "rita may use the operators' site as: Reviewer.\n"
    browser = Client()
    assert browser.login(username="rita", password=PASSWORD)
    pages = ("/admin/humantasks/humantask/", "/admin/auth/user/")
    assert [browser.get(page).status_code for page in pages] == [200, 403]


def test_it_is_on_record_without_the_password(file: Path) -> None:
    person("rita", "--group", "Reviewer", "--group", "Viewer", "--password-file", file)
    event = AuditEvent.objects.get()
    assert (event.event_type, event.metadata) == ("user.created", {"user": "rita", "groups": ["Reviewer", "Viewer"]})
    assert event.actor is not None
    assert event.actor.startswith("manage.py (")


def test_who_comes_by_an_identity_provider_needs_no_password() -> None:
    person("rita", "--group", "Viewer", "--no-password")
    assert not User.objects.get().has_usable_password()


@pytest.mark.parametrize(
    ("name", "group", "password", "why"),
    [
        ("rita", "Boss", PASSWORD, "There is no group Boss. The groups are: Admin, Operator, Reviewer, Viewer."),
        ("rita", "Viewer", "short", "This password is too short."),
        ("olivia", "Viewer", PASSWORD, "A user with that username already exists."),
        ("no spaces", "Viewer", PASSWORD, "Enter a valid username."),
    ],
)
def test_what_cannot_be_is_said_and_nobody_is_made(
    tmp_path: Path, name: str, group: str, password: str, why: str
) -> None:
    User.objects.create_user("olivia")
    file = tmp_path / "password"
    file.write_text(password)
    with pytest.raises(CommandError, match=why.replace(".", r"\.")):
        person(name, "--group", group, "--password-file", file)
    assert (User.objects.count(), AuditEvent.objects.count()) == (1, 0)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot be read from .*nowhere: No such file"):
        person("rita", "--group", "Viewer", "--password-file", tmp_path / "nowhere")


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("secret\nsecret\n"))
    with pytest.raises(CommandError, match="nobody to ask"):
        person("rita", "--group", "Viewer")
