"""``manage.py import_kneo_serv``: what a published kneo-serv recorded reads the same here."""

import hashlib
import sqlite3
import uuid
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from humantasks.models import HumanTask, TaskStatus
from runs.models import Run
from specs.models import StoredPolicy
from tests import imports
from tests.imports import id_of, rows, take_over
from tests.integration.admin_site import operator

pytestmark = pytest.mark.django_db
UNFINISHED = ("running", "blocked")
ASKED = ("caller_metadata", "environment", "spec_path", "overrides", "target")
SERVER = pytest.param(imports.DUMP, marks=pytest.mark.postgres)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a database of the published kneo-serv 1.2, with runs that had not ended."""
    return imports.file_of("release-1.2", tmp_path)


@pytest.fixture(params=[*imports.FILES, SERVER])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return where each of the databases is, and what its service answered."""
    name, told = request.param, imports.answers(request.param)
    if name == imports.DUMP:
        with imports.served(name) as url:
            yield url, told
    else:
        yield str(imports.file_of(name, tmp_path)), told


def ask(path: str) -> dict[str, Any]:
    answer: dict[str, Any] = Client().get(f"/v1{path}").json()
    return answer


def but(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def test_all_reads_as_the_published_service_answered(source: tuple[str, dict[str, Any]]) -> None:
    database, told = source
    take_over(database)

    assert ask("/runs?limit=500")["total"] == len(told["runs"])
    for run_id, published in told["runs"].items():
        is_ended = published["status"]["status"] not in UNFINISHED
        assert_same_run(ask(f"/runs/{run_id}"), published["status"], published["item"], is_ended=is_ended)
        assert_same_history(run_id, published, is_ended=is_ended)
    newest, *others = ask("/audit-events?limit=500")["events"]
    assert others == told["audit"]["events"]
    assert (newest["event_type"], newest["actor"]) == ("runs.imported", "cli")
    assert newest["metadata"]["runs"] == len(told["runs"])
    assert ask("/policies/environment")["policies"] == told["policies"]["policies"]


class Terminal(StringIO):
    """Where a person looks on."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_who_looks_on_sees_how_many_runs_are_done(file: Path) -> None:
    screen = Terminal()
    call_command("import_kneo_serv", str(file), "--batch-size", "10", stdout=StringIO(), stderr=screen)
    assert screen.getvalue() == "\r10 of 18 runs\r18 of 18 runs\n"


def assert_same_run(here: dict[str, Any], there: dict[str, Any], item: dict[str, Any], *, is_ended: bool) -> None:
    if not is_ended:
        assert (here["status"], here["error"]["type"]) == ("failed", "imported_unfinished")
        return
    same = ("status", "workflow_kind", "input_text", "visited_steps", "visited_nodes", "error", "trace_event_count")
    assert {name: here[name] for name in same} == {name: there[name] for name in same}
    assert here["session_id"] == there.get("session_id")  # 1.0 does not show it
    # There, a run that could not begin has no names.
    assert there["workflow_name"] in (here["workflow_name"], None)
    assert there["agent_name"] in (here["agent_name"], None)
    assert [here[name] for name in ("created_at", "completed_at")] == [item["created_at"], item["completed_at"]]
    asked = [name for name in ASKED if name in item["metadata"]]
    assert [here["metadata"][name] for name in asked] == [item["metadata"][name] for name in asked]
    if there["status"] == "completed":
        assert here["output_text"] == there["output_text"]
        assert here["metadata"].get("workflow", {}) == but(item["metadata"].get("workflow", {}), "rounds")


def assert_same_history(run_id: str, published: dict[str, Any], *, is_ended: bool) -> None:
    here = ask(f"/runs/{run_id}/checkpoints?limit=500")["checkpoints"]
    there = published["checkpoints"]["checkpoints"]
    if len(here) > len(there):  # there, not every run has an end
        end = here.pop()
        wanted = "max_iterations" if is_ended else "imported_unfinished"
        assert (end["type"], end["metadata"]["error"]["type"]) == ("run_failed", wanted)
    # Ids are derived here. There, every shape but a graph calls itself sequential.
    own = ("id", "metadata", "workflow_name", "state", "trace_events")
    assert [but(each, *own) for each in here] == [but(each, *own) for each in there]
    for mine, theirs in zip(here, there, strict=True):
        shared = [name for name in theirs["metadata"] if name != "workflow_type"]
        assert [mine["metadata"].get(name) for name in shared] == [theirs["metadata"][name] for name in shared]

    own_of_events = ("event_id", "parent_event_id", "workflow_name")
    events = [but(event, *own_of_events) for event in ask(f"/runs/{run_id}/trace?limit=500")["events"]]
    assert events == [but(event, *own_of_events) for event in published["trace"]["events"]]


def test_graphs_are_drawn_from_the_frozen_spec(file: Path) -> None:
    take_over(file)

    told = imports.answers("release-1.2")["runs"]
    drawn = {run_id: each["graph"] for run_id, each in told.items() if each["graph"].get("edges")}
    assert len(drawn) == 13
    for run_id, there in drawn.items():
        here = ask(f"/runs/{run_id}/graph")
        assert {node["id"] for node in here["nodes"]} == {node["id"] for node in there["nodes"]}
        ways = [[(edge["source"], edge["target"]) for edge in graph["edges"]] for graph in (here, there)]
        assert ways[0] == ways[1]


def test_twice_is_once(file: Path) -> None:
    first = take_over(file, "--batch-size", "4")
    kept = rows()

    second = take_over(file)
    assert rows() == kept
    assert first["runs"] == {"found": 18, "taken_over": 18, "here_already": 0, "left_out": {}}
    assert second["runs"] == {"found": 18, "taken_over": 0, "here_already": 18, "left_out": {}}
    kinds = ("checkpoints", "trace events", "audit events", "environment policies")
    assert {second[kind]["taken_over"] for kind in kinds} == {0}


def test_a_dry_run_writes_nothing_and_counts_the_same(file: Path) -> None:
    before = rows()
    rehearsed = take_over(file, "--dry-run")
    assert rows() == before

    assert take_over(file) == rehearsed


def test_the_source_is_not_touched(file: Path) -> None:
    before = hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns
    file.chmod(0o400)
    take_over(file)
    assert (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_source_with_a_write_ahead_log_is_read_without_making_files(file: Path) -> None:
    with sqlite3.connect(file) as changing:
        changing.execute("PRAGMA journal_mode = wal")
    changing.close()

    assert take_over(file)["runs"]["taken_over"] == 18
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_open_questions_arrive_closed(file: Path) -> None:
    take_over(file)

    questions = HumanTask.objects.order_by("title")
    assert [(task.title, task.step_id, task.shape) for task in questions] == [
        ("Check the draft", "approve", "sequential"),
        ("Confirm mitigation", "oncall", "graph"),
    ]
    assert {task.status for task in questions} == {TaskStatus.CANCELLED}
    assert ask("/human-tasks")["total"] == 0
    assert "waited for a person" in ask(f"/runs/{id_of('still open')}")["error"]["message"]


def test_an_imported_run_is_not_gone_on_with_but_can_be_forked(file: Path) -> None:
    take_over(file)
    run_id = id_of("in the queue")

    refused = Client().post(f"/v1/runs/{run_id}/continue")
    assert (refused.status_code, refused.json()["detail"]["error"]) == (409, "run_state_conflict")
    assert "imported" in refused.json()["detail"]["message"]
    assert ask(f"/runs/{run_id}/recovery")["replay_context"]["can_continue"] is False

    fork = Client().post(f"/v1/runs/{run_id}/fork", {}, "application/json").json()["run_id"]
    assert ask(f"/runs/{fork}")["output_text"] == "Final answer: Final answer: in the queue"


def test_imported_runs_are_found_by_their_metadata_and_session(file: Path) -> None:
    take_over(file)
    assert ask("/runs?metadata=ticket:T1")["total"] == 1
    assert ask("/runs?session_id=s-1")["total"] == 2


def test_a_policy_that_is_stored_here_stays(file: Path) -> None:
    StoredPolicy.objects.create(environment="prod", demands={"require_guardrails": True}, changed_by="olivia")

    told = take_over(file)["environment policies"]
    assert (told["taken_over"], told["left_out"]) == (1, {"another one is stored here, and stays": 1})
    assert StoredPolicy.objects.get(pk="prod").changed_by == "olivia"


def test_what_cannot_be_read_is_left_out_and_named(file: Path) -> None:
    with sqlite3.connect(file) as changing:
        changing.execute("UPDATE runs SET payload = 'none' WHERE payload LIKE '%\"by path\"%'")
        changing.execute("UPDATE runs SET id = ? WHERE payload LIKE '%\"two views\"%'", [str(uuid.uuid4())])
        changing.execute("UPDATE project_metadata SET value = json_set(value, '$.stage.dance', 1)")
        changing.execute("UPDATE checkpoints SET payload = '[]' WHERE type = 'run_cancelled'")
        changing.execute("UPDATE checkpoints SET payload = replace(payload, 'human_pause', 'dream')")
        changing.execute("UPDATE audit_events SET payload = '{}' WHERE event_type = 'run.cancelled'")
        changing.execute("INSERT INTO checkpoints VALUES ('x', 'nobody', 1, 'run_started', '', '{}')")
    changing.close()

    told = take_over(file)
    assert told["runs"]["left_out"] == {"it is not JSON": 1, "its record is of another run": 1}
    assert told["checkpoints"]["left_out"]["it is no object"] == 1
    assert told["audit events"]["left_out"] == {"its id is no UUID": 1}
    assert told["environment policies"]["left_out"] == {"they demand something that is not known here": 1}
    assert Run.objects.count() == 16


def test_a_run_without_a_spec_gets_a_marked_one(file: Path) -> None:
    with sqlite3.connect(file) as changing:
        changing.execute(
            "UPDATE runs SET payload = json_remove(payload, '$.metadata.spec', '$.metadata.frozen_spec')"
            " WHERE json_extract(payload, '$.input_text') = 'kept safe'"
        )
    changing.close()
    take_over(file)

    run = ask(f"/runs/{id_of('kept safe')}")
    assert (run["agent_name"], run["status"]) == ("solo", "completed")
    assert list(run["metadata"]["frozen_spec"]["base"]) == ["not_recorded"]
    assert operator().get(f"/admin/runs/run/{run['run_id']}/change/?tab=spec").status_code == 200


def test_the_table_is_for_people(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("import_kneo_serv", str(file))
    told = capsys.readouterr().out
    assert "idempotency keys" in told
    assert "4 runs had not ended there" in told

    call_command("import_kneo_serv", str(file))
    assert "Nothing was imported" in capsys.readouterr().out


def test_what_is_no_such_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    text, empty = tmp_path / "notes.txt", tmp_path / "empty.sqlite"
    text.write_text("kneo-serv " * 200)
    sqlite3.connect(empty).close()
    refusals = {
        text: "cannot be read as an SQLite database",
        empty: "no database of a published kneo-serv",
        tmp_path / "nowhere": "There is no file",
        "postgresql://olga:a-password@127.0.0.1:1/kneo": r"cannot be read \(OperationalError\)",
    }
    for source, sentence in refusals.items():
        with pytest.raises(CommandError, match=sentence) as refused:
            take_over(source)
        assert "a-password" not in str(refused.value)
    with pytest.raises(CommandError, match="at least one run"):
        take_over(text, "--batch-size", "0")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("INSERT INTO schema_migrations VALUES (5, 'something_new', '')", "has version 5 of the schema"),
        ("DELETE FROM schema_migrations WHERE version > 2", "on a copy of it once"),
        ("UPDATE schema_migrations SET name = 'other' WHERE version = 2", "of another kneo-serv"),
    ],
)
def test_an_unknown_version_is_refused(file: Path, change: str, sentence: str) -> None:
    with sqlite3.connect(file) as changing:
        changing.execute(change)
    changing.close()
    with pytest.raises(CommandError, match=sentence):
        take_over(file)
    assert not Run.objects.exists()
