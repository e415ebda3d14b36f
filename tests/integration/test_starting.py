"""What makes a worker or a beat refuse to start."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from kneo_project.starting import reason_to_refuse


@pytest.fixture(autouse=True)
def own_secret_key(settings: Settings) -> None:
    """Be a deployment that has set its key, whatever the database."""
    settings.HAS_OWN_SECRET_KEY = True


def test_a_database_with_exactly_our_tables_is_fine() -> None:
    assert reason_to_refuse() is None


def test_a_database_of_a_newer_release_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '9999_new', '2026-01-01')")
    assert (
        reason_to_refuse() == "the database was migrated by a newer release (runs.9999_new); install that release here."
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '9999_new'")


def test_impossible_settings_are_refused(settings: Settings) -> None:
    settings.WORKER_LEASE_SECONDS = 1
    assert "kneo.E003" in str(reason_to_refuse())


@pytest.mark.parametrize("program", ["worker", "beat"])
def test_a_process_on_an_empty_database_ends_with_a_sentence(program: str, tmp_path: Path) -> None:
    environment = {"KNEO_SERV_STATE_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "celery", "--app", "kneo_project", program]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "Refusing to start: the database lacks" in ended.stderr
