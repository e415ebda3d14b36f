"""A filled database of each earlier state of the schema, migrated forward: the API still says what it said then."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import upgrades
from tests.acceptance.databases import PostgresDatabase
from tests.settings import DATABASE
from tests.upgrades.loading import load, manage

KEPT = Path(upgrades.__file__).parent
STATES = sorted(path.name.removesuffix(".sql.gz") for path in KEPT.glob("*.sql.gz"))
# A server keeps no order of the keys of a JSON object, so that what a file kept is told in another order by these.
ORDERED = ("/policy-report", "/graph") if DATABASE == "postgres" else ()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Return the address of an empty database."""
    if DATABASE != "postgres":
        yield f"sqlite:///{tmp_path / 'kneo.sqlite3'}"
        return
    database = PostgresDatabase()
    yield database.url
    database.drop()


def kept(name: str) -> str:
    """Return what is kept under the name."""
    return gzip.decompress((KEPT / name).read_bytes()).decode()


def lost(then: object, now: object, place: str) -> Iterator[str]:
    """Yield every place at which something is not what it was. What was added is fine."""
    match then, now:
        case dict(), dict():
            for key, value in then.items():
                yield from lost(value, now.get(key), f"{place}.{key}")
        case list(), list() if len(then) == len(now):
            for index, value in enumerate(then):
                yield from lost(value, now[index], f"{place}[{index}]")
        case _ if then != now:
            yield f"{place}: {str(then)[:80]!r} is {str(now)[:80]!r}"


def test_earlier_states_are_kept() -> None:
    assert len(STATES) >= 3


@pytest.mark.parametrize("state", STATES[:1] if DATABASE == "postgres" else STATES)
def test_an_upgraded_database_says_what_it_said(state: str, url: str, tmp_path: Path) -> None:
    answers: dict[str, Any] = json.loads(kept(f"{state}.json.gz"))["answers"]
    load(kept(f"{state}.sql.gz"), url, tmp_path)
    answers = {path: answer for path, answer in answers.items() if not path.endswith(ORDERED)}
    said = manage(url, tmp_path, "-m", "tests.upgrades.looking", told=json.dumps(list(answers)))
    now = json.loads(said)
    assert [problem for path in answers for problem in lost(answers[path], now["answers"][path], path)] == []
    assert now["breaches"] == []
