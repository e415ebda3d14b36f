"""PostgreSQL's disk is full for a while: orders are refused with what to do, and what was promised is kept."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.acceptance.conditions import until
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import Deployment, Job
from tests.acceptance.servers import SMALL_TABLESPACE, Server, own_postgres
from tests.acceptance.specs import FOUR_STEPS, sequence

pytestmark = [pytest.mark.storm, pytest.mark.own_servers, pytest.mark.timeout(600)]
MOST_ORDERS = 2000
LONG = {"note": "x" * 20_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The small disk of a server, which fills it and makes room on it."""

    server: Server
    ballast: Path

    def fill(self) -> None:
        """Leave no block free."""
        with pytest.raises(psycopg.errors.DiskFull):
            self._copy("SELECT repeat('x', 8000) FROM generate_series(1, 1000000)")

    def make_room(self) -> None:
        """Take away what filled it."""
        self._copy("SELECT ''")

    def _copy(self, query: str) -> None:
        statement = sql.SQL("COPY ({}) TO {}").format(sql.SQL(query), sql.Literal(str(self.ballast)))
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    with own_postgres(has_small_disk=True) as server:
        yield Disk(server=server, ballast=server.folder / "disk" / "ballast")


@pytest.fixture
def deployment(disk: Disk, tmp_path: Path) -> Iterator[Deployment]:
    database = PostgresDatabase(disk.server.url, tablespace=SMALL_TABLESPACE)
    opened = Deployment(tmp_path, database_url=database.url, broker_url="kneo-files://", queue="kneo")
    try:
        opened.open()
        yield opened
    finally:
        opened.close()
        disk.make_room()


def test_a_full_disk_loses_nothing_and_everything_goes_on_when_there_is_room(
    deployment: Deployment, disk: Disk
) -> None:
    (worker,) = deployment.scale(1)
    begun = [deployment.start(sequence(**FOUR_STEPS)) for _ in range(4)]
    for job in begun:
        deployment.wait_for_start(job.ledger, "two")

    disk.fill()
    accepted, refused = order_until_refused(deployment)
    for job in begun:
        job.ledger.open_gate("two")
    until(partial(worker.has_said, "Run left alone"), within=60, what="a step finds no room for its result")

    assert (refused["error"], refused["message"].partition(";")[0]) == ("store_full", "The database has no room left")
    assert deployment.api.http.get("/readyz").json()["metadata"]["checks"]["room"]["ok"] is False
    assert doctor(deployment) == ["The database has no room left"]
    assert {deployment.api.status(job.run_id) for job in begun} <= {"running", "completed"}

    disk.make_room()
    for job in (*begun, *accepted):
        deployment.wait_for(job, "completed", within=120)
    assert deployment.api.count() == len(begun) + len(accepted)
    audited = deployment.manage("doctor", "--audit", "--json")
    assert (json.loads(audited.stdout)["breaches"], audited.returncode) == ([], 0)
    print(f"{len(accepted)} orders found room, the next one did not")  # noqa: T201 - a storm tells how strong it was


def order_until_refused(deployment: Deployment) -> tuple[list[Job], dict[str, Any]]:
    """Order runs until one is refused; return those that were accepted, and the refusal."""
    accepted: list[Job] = []
    for _ in range(MOST_ORDERS):
        ledger = deployment.new_ledger()
        spec = sequence(one="mark", two="mark")
        answer = deployment.api.create(spec, ledger.token, async_mode=True, metadata=LONG)
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            return accepted, answer.json()["detail"]
        assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
        accepted.append(Job(run_id=answer.json()["run_id"], ledger=ledger))
    pytest.fail("No order was refused.")


def doctor(deployment: Deployment) -> list[str]:
    """Return how the sentences begin that say what is wrong with the database."""
    told = deployment.manage("doctor", "--json")
    findings = json.loads(told.stdout)["findings"]
    wrong = [each["text"] for each in findings if (each["subject"], each["level"]) == ("database", "wrong")]
    return [text.partition(":")[0] for text in wrong]
