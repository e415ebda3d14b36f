"""Databases that the published kneo-serv made, and what it answered about them: see the README beside."""

import json
import lzma
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.management import call_command

from humantasks.models import HumanTask
from kneo_project.audit.models import AuditEvent
from runs.models import Checkpoint, Run, RunLabel, TraceEvent
from specs.models import SpecSnapshot, StoredPolicy
from tests.services import POSTGRES

HERE = Path(__file__).parent
FILES = ("release-1.2", "release-1.0")
DUMP = "release-1.2-postgresql"
TABLES = (Run, Checkpoint, TraceEvent, AuditEvent, StoredPolicy, SpecSnapshot, HumanTask, RunLabel)


def answers(name: str) -> dict[str, Any]:
    """Return what the published service answered about its records."""
    told: dict[str, Any] = json.loads(_unpacked(f"{name}.json"))
    return told


def file_of(name: str, folder: Path) -> Path:
    """Unpack an SQLite database into ``folder``."""
    path = folder / "kneo_runs.sqlite"
    path.write_bytes(_unpacked(f"{name}.sqlite"))
    return path


@contextmanager
def served(name: str) -> Iterator[str]:
    """Load a PostgreSQL database from its dump; yield its URL."""
    database = f"kneo_import_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES.url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}".encode())
        try:
            url = urlsplit(POSTGRES.url)._replace(path=f"/{database}").geturl()
            with psycopg.connect(url) as loading:
                loading.execute(_unpacked(f"{name}.sql"))
            yield url
        finally:
            server.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())


def take_over(source: object, *options: str) -> dict[str, Any]:
    """Import, and return what the command says of each kind."""
    out = StringIO()
    call_command("import_kneo_serv", str(source), "--json", *options, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return {"unfinished": told["unfinished"]} | {each.pop("kind"): each for each in told["kinds"]}


def rows() -> dict[str, int]:
    """Return how many rows there are of whatever an import writes."""
    return {table.__name__: table.objects.count() for table in TABLES}


def id_of(text: str) -> str:
    """Return the id of the run with this input."""
    return str(Run.objects.get(input_text=text).pk)


def _unpacked(name: str) -> bytes:
    return lzma.decompress((HERE / f"{name}.xz").read_bytes())
