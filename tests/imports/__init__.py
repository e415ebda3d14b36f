"""Databases that the published kneo-serv made, and what it answered about them: see the README beside."""

import json
import lzma
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.services import POSTGRES

HERE = Path(__file__).parent
FILES = ("release-1.2", "release-1.0")
DUMP = "release-1.2-postgresql"


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


def _unpacked(name: str) -> bytes:
    return lzma.decompress((HERE / f"{name}.xz").read_bytes())
