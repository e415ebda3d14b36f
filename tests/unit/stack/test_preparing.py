"""What must be true before the stack starts, and what is said when it is not."""

import socket
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from kneo_project.schema import schema_difference
from kneo_project.stack import preparing
from kneo_project.stack.listening import StartRefused, listen


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_port_zero_is_any_free_port() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port_is_refused_with_the_way_out(taken: int) -> None:
    with pytest.raises(StartRefused, match=f"Port {taken} on 127.0.0.1 is taken by another program; choose one with"):
        listen("127.0.0.1", taken)


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(StartRefused, match="Cannot listen on no-such-host"):
        listen("no-such-host.invalid", 0)


def test_a_public_address_is_refused_while_anybody_could_use_the_api(settings: Settings) -> None:
    settings.API_KEYS = ""
    with pytest.raises(StartRefused, match="would open the API to everybody"):
        listen("0.0.0.0", 0)


def test_a_public_address_is_fine_with_api_keys(settings: Settings) -> None:
    settings.API_KEYS = "ops:a-key:operator"
    with listen("0.0.0.0", 0) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


@pytest.mark.django_db
def test_the_first_start_makes_an_admin_who_can_log_in() -> None:
    password = preparing.ensure_admin()
    assert User.objects.get(username="admin", is_superuser=True).check_password(password or "")


@pytest.mark.django_db
def test_a_later_start_leaves_the_users_alone() -> None:
    User.objects.create_user("somebody")
    assert (preparing.ensure_admin(), User.objects.count()) == (None, 1)


@pytest.mark.django_db
def test_a_migrated_database_has_the_schema_of_the_code() -> None:
    assert not schema_difference()


@pytest.mark.django_db
def test_a_database_of_a_newer_version_is_refused_by_the_name_of_its_migration() -> None:
    MigrationRecorder(connection).record_applied("runs", "9999_from_the_future")
    with pytest.raises(StartRefused, match=r"migrated by a newer release \(runs\.9999_from_the_future\)"):
        preparing.bring_schema_up_to_date()


@pytest.mark.django_db
def test_a_database_with_a_gap_in_its_history_is_refused() -> None:
    MigrationRecorder(connection).record_unapplied("auth", "0001_initial")
    with pytest.raises(StartRefused, match="The schema of the database is partial"):
        preparing.bring_schema_up_to_date()
