"""``manage.py migrate``: many at once, one that fails half-way, a newer database; and who refuses to serve."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.acceptance.databases import PostgresDatabase
from tests.settings import DATABASE

ROOT = Path(__file__).parents[2]
KEY = "a key for tests, the same in every process of them"
BROKEN = """
from django.db import migrations


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL("CREATE TABLE half_way (id integer)"),
        migrations.RunSQL("INSERT INTO nowhere VALUES (1)"),
    ]
"""

HALF_WAY = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name = 'half_way'",
    "postgres": "SELECT tablename FROM pg_tables WHERE tablename = 'half_way'",
}[DATABASE]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database."""
    if DATABASE != "postgres":
        yield f"sqlite:///{tmp_path / 'kneo.sqlite3'}"
        return
    database = PostgresDatabase()
    yield database.url
    database.drop()


def begin(url: str, folder: Path, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
    """Begin a process of an installation on the database."""
    environment = {"PATH": os.environ["PATH"], "KNEO_SERV_STATE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    environment |= {"KNEO_SERV_DATABASE_URL": url, "KNEO_SERV_SECRET_KEY": KEY, **variables}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Return how a process ended, and what it said."""
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


@contextmanager
def opened(url: str) -> Iterator["sqlite3.Connection | psycopg.Connection[tuple[str]]"]:
    """Give a connection that commits what is done."""
    with closing(
        sqlite3.connect(urlsplit(url).path.replace("//", "/")) if DATABASE != "postgres" else psycopg.connect(url)
    ) as there:
        yield there
        there.commit()


def test_many_migrate_at_once_and_who_serves_before_after_and_on_a_newer_database(url: str, tmp_path: Path) -> None:
    status, said = ended(begin(url, tmp_path, "-c", "import kneo_project.wsgi"))
    assert status != 0
    assert "Refusing to start: the database lacks" in said

    together = [begin(url, tmp_path, "manage.py", "migrate") for _ in range(2)]
    results = [ended(each) for each in together]
    assert [status for status, _ in results] == [0, 0], results
    assert sum("Applying runs.0001_initial" in said for _, said in results) == 1
    assert ended(begin(url, tmp_path, "-c", "import kneo_project.wsgi")) == (0, "")

    with opened(url) as there:
        there.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '9999_new', '2026-01-01')")
    expected = "was migrated by a newer release (runs.9999_new); install that release here."
    for command in (("manage.py", "migrate"), ("-c", "import kneo_project.asgi")):
        status, said = ended(begin(url, tmp_path, *command))
        assert status != 0
        assert expected in said


@pytest.fixture
def with_broken(tmp_path: Path) -> dict[str, str]:
    """Return the variables of an installation with a migration that cannot be done."""
    broken = tmp_path / "broken"
    (broken / "migrations").mkdir(parents=True)
    for place in (broken / "__init__.py", broken / "migrations" / "__init__.py"):
        place.touch()
    (broken / "migrations" / "0001_broken.py").write_text(BROKEN)
    (tmp_path / "broken_settings.py").write_text(
        "from kneo_project.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'broken']\n"
    )
    return {"DJANGO_SETTINGS_MODULE": "broken_settings", "PYTHONPATH": f"{ROOT}:{tmp_path}"}


@pytest.mark.skipif(DATABASE == "postgres", reason="only a database of its own is migrated by a command of the client")
def test_a_client_whose_own_database_cannot_be_made_says_why(
    url: str, tmp_path: Path, with_broken: dict[str, str]
) -> None:
    kneo = ("-c", "from kneo_project.cli.main import run; run()", "runs", "list", "--local")
    status, said = ended(begin(url, tmp_path, *kneo, **with_broken))
    assert (status, said.startswith("error: broken.0001_broken failed: ")) == (1, True), said


def test_a_migration_that_fails_half_way_is_undone_and_named(
    url: str, tmp_path: Path, with_broken: dict[str, str]
) -> None:
    status, said = ended(begin(url, tmp_path, "manage.py", "migrate", "broken", **with_broken))
    assert status == 1
    assert "broken.0001_broken failed: " in said
    assert "nowhere" in said
    assert "The database is as it was. Mend what it complains of, then run manage.py migrate again." in said
    assert "Traceback" not in said
    with opened(url) as there:
        assert there.execute(HALF_WAY).fetchall() == []


def test_a_database_that_is_away_is_told_in_a_sentence(tmp_path: Path) -> None:
    away = "postgresql://kneo:hush@127.0.0.1:1/kneo"
    status, said = ended(begin(away, tmp_path, "manage.py", "migrate"))
    assert status == 1
    assert "The database cannot be used: " in said
    assert "Traceback" not in said
    assert "hush" not in said
