"""Which indexes the lists use: a list that reads every run would answer the same."""

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet, Value
from django.utils import timezone

from humantasks.models import HumanTask
from runs.inspection import attention
from runs.inspection.matching import matching_runs
from runs.models import Run
from runs.statements import CLAIM_NEXT
from runs.turns import next_turn
from tests.factories import HumanTaskFactory, RunFactory, SnapshotFactory
from tests.settings import DATABASE

MIGRATION = import_module("runs.migrations.0010_lists")
RUNS = 1_000
# What is asked for, and a column that the index holds besides.
COUNTED: list[tuple[dict[str, Any], str]] = [
    ({}, "created_at"),
    ({"workflow_name": "flow-1"}, "created_at"),
    ({"status": "failed"}, "updated_at"),
    ({"has_error": True}, "updated_at"),
    ({"has_error": False}, "created_at"),
]
pytestmark = pytest.mark.skipif(DATABASE != "postgres", reason="the plans and the trigrams are PostgreSQL's")


@pytest.fixture
def history() -> None:
    """Enough runs, and what the server knows of them, for its plans to be those of many."""
    snapshot = SnapshotFactory.create()
    Run.objects.bulk_create(
        RunFactory.build(snapshot=snapshot, workflow_name=f"flow-{number % 8}", input_text="hi" * 500)
        for number in range(RUNS)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) runs_run")


def plan_of(rows: QuerySet[Any, Any]) -> str:
    """Return how the server finds ``rows``, unless it would read the whole table."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        return rows.explain(format="json")


def nodes(plan: str) -> set[tuple[str, str | None]]:
    """Return the kinds of nodes in ``plan`` with the indexes that they use."""

    def within(node: dict[str, Any]) -> set[tuple[str, str | None]]:
        here = {(node["Node Type"], node.get("Index Name"))}
        return here.union(*(within(inner) for inner in node.get("Plans", [])))

    return within(json.loads(plan)[0]["Plan"])


def test_a_search_uses_the_trigrams(history: None) -> None:
    searching = {name for kind, name in nodes(plan_of(matching_runs({"q": "needle"}))) if kind == "Bitmap Index Scan"}
    assert searching == {"run_output_words", "run_error_words"}


def test_a_list_is_counted_without_reading_runs(history: None) -> None:
    for asked, column in COUNTED:
        counted = nodes(plan_of(matching_runs(asked).values(column)))
        assert {kind for kind, _ in counted} == {"Index Only Scan"}, asked


@pytest.fixture
def inbox() -> None:
    """Enough open tasks for the plans to be those of many."""
    run = RunFactory.create()
    HumanTask.objects.bulk_create(
        HumanTaskFactory.build(run=run, path=str(number), assignee=f"user-{number % 50}", title="t" * 200)
        for number in range(RUNS)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) humantasks_humantask")


def test_an_inbox_is_read_in_its_order_from_the_index(inbox: None) -> None:
    used = nodes(plan_of(HumanTask.objects.open().most_urgent_first()[:50]))
    assert ("Index Scan", "human_task_inbox") in used


def test_the_tasks_of_a_person_and_of_groups_are_found_by_indexes(inbox: None) -> None:
    mine = {name for _, name in nodes(plan_of(HumanTask.objects.open().of_person("user-7")))}
    assert {"human_task_claimed", "human_task_assigned"} <= mine
    assert {"human_task_assigned"} <= {
        name for _, name in nodes(plan_of(HumanTask.objects.open().of_groups(["user-7"])))
    }


@pytest.mark.parametrize(
    ("narrowing", "index"),
    [
        (attention.stuck, "run_lease_owner"),
        (attention.queued, "run_wake_at"),
        (attention.waiting_too_long, "run_wake_at"),
        (attention.failed_lately, "run_whole_status"),
        (lambda rows: rows.filter(within=None, status="completed"), "run_whole_status"),
    ],
)
def test_the_first_page_counts_in_indexes(
    history: None, narrowing: Callable[[QuerySet[Run]], QuerySet[Run]], index: str
) -> None:
    counted = narrowing(Run.objects.all()).values(counted=Value(1))[:100]
    assert index in {name for _, name in nodes(plan_of(counted))}


@pytest.fixture
def backlog() -> None:
    """Many runs that wait: new ones of three callers, and begun ones whose time is yet to come."""
    snapshot = SnapshotFactory.create()
    now = timezone.now()
    waiting = [{"status": "created", "wake_at": now}, {"status": "running", "wake_at": now + timedelta(hours=1)}]
    Run.objects.bulk_create(
        RunFactory.build(snapshot=snapshot, ordered_by=f"c-{number % 3}", turn=number, **waiting[number % 2])
        for number in range(RUNS)
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) runs_run")


def test_the_next_run_is_found_at_the_head_of_an_index_however_many_wait(backlog: None) -> None:
    about: dict[str, Any] = {"queue": "default", "owner_id": "w", "at": timezone.now(), "least": 0, "most": 2}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {CLAIM_NEXT}", about)
        used = nodes(json.dumps(cursor.fetchone()[0]))
    assert {("Index Scan", "run_in_line"), ("Index Scan", "run_woken")} <= used
    assert not {kind for kind, _ in used} & {"Sort", "Seq Scan"}


def test_the_turn_of_a_new_run_is_found_in_indexes(backlog: None) -> None:
    turn = next_turn(queue="default", priority=1, ordered_by="c-1")
    used = {name for _, name in nodes(plan_of(Run.objects.values(next=turn)[:1]))}
    assert {"run_in_line", "run_in_line_of"} <= used


def test_a_server_without_trigrams_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "CREATE INDEX never ON runs_run USING gin (upper(output_text) no_such_ops)"
    monkeypatch.setattr(MIGRATION, "SEARCHED", {"never": broken})
    with connection.schema_editor(atomic=True) as editor:
        MIGRATION.index_words(None, editor)
        MIGRATION.forget_words(None, editor)
    assert Run.objects.count() == 0
