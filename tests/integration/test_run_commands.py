"""``kneo run``, ``runs``, ``human`` and ``audit``: the same, whether a service does the work or this process."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from kneo_project.audit.models import AuditEvent
from kneo_project.celery import app as celery
from runs.models import Run
from tests.acceptance.flaky_front import FlakyFront, Mishap
from tests.integration.driving import human, spec_of, step
from tests.integration.functions import CALLS, FAILING, HOOKS
from tests.unit.cli.commands import Ended, kneo

pytestmark = pytest.mark.django_db(transaction=True)

type Kneo = Callable[..., Ended]


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bell() -> Iterator[None]:
    """Let the service advance its runs in the process that rings for them."""
    celery.conf.task_always_eager = True
    yield
    celery.conf.task_always_eager = False


@pytest.fixture(params=["here", "service"])
def cli(request: pytest.FixtureRequest) -> Kneo:
    """Run commands for this installation, which has no worker, or for a service."""
    if request.param == "here":
        return kneo
    request.getfixturevalue("bell")
    url = request.getfixturevalue("live_server").url
    return lambda *words, **environment: kneo(*words, "--service-url", url, **environment)


def written(spec: dict[str, Any]) -> str:
    """Write ``spec`` to a file and return its name."""
    Path("spec.json").write_text(json.dumps(spec))
    return "spec.json"


def order(*steps: dict[str, Any], humans: dict[str, Any] | None = None) -> tuple[str, ...]:
    """Return the words that run a spec with these ``steps`` on "hi"."""
    return ("run", "--input", "hi", written(spec_of(*steps, humans=humans)))


def asking() -> tuple[str, ...]:
    """Return the words that run a spec in which a person is asked."""
    return order(step("a"), human(), step("b"), humans={"boss": {"description": "Good?", "assignee": "ann"}})


def test_a_run_goes_to_its_end(cli: Kneo) -> None:
    ended = cli(*order(step("a"), step("b")), "--json")

    assert (ended.status, ended.err) == (0, "")
    found = ended.json
    assert {name: found[name] for name in ("status", "output_text", "human_intervention_required")} == {
        "status": "completed",
        "output_text": "hi>a>b",
        "human_intervention_required": False,
    }
    assert found["metadata"]["workflow"]["name"] == "flow"
    assert not found["metadata"].keys() & {"spec", "frozen_spec"}
    assert CALLS == {"a": 1, "b": 1}


def test_a_person_reads_what_became_of_it(cli: Kneo) -> None:
    shown = cli(*order(step("a"))).out

    for words in ("completed", "flow", "hi>a"):
        assert words in shown


def test_the_root_agent_can_be_run_alone(cli: Kneo) -> None:
    assert cli(*order(step("a")), "--target", "agent", "--json").json["output_text"] == "Final answer: hi"
    assert cli(*order(step("a")), "--target", "all").status == 2


def test_a_run_that_fails_says_why(cli: Kneo) -> None:
    ended = cli(*order(step("boom")), "--json")

    assert (ended.status, ended.out) == (1, "")
    assert ended.failure["status"] == "failed"
    assert "boom hi" in ended.failure["message"]
    told = cli(*order(step("boom")))
    assert (told.status, told.err.startswith("error: The run "), "Traceback" in told.err) == (1, True, False)


def test_a_spec_with_errors_is_refused_with_all_of_them(cli: Kneo) -> None:
    bad = written({"version": "v1", "agent": {"name": "root", "skills": ["ghost"]}})

    ended = cli("run", "-i", "hi", bad)

    assert (ended.status, "E_SKILL_REF" in ended.err) == (1, True)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "words", [["run"], ["run", "-i", "x"], ["run", "x.yaml"], ["runs"], ["runs", "get"], ["human"]]
)
def test_wrong_usage_has_a_status_of_its_own(words: list[str]) -> None:
    assert kneo(*words).status == 2


def test_a_question_is_listed_shown_and_answered(cli: Kneo) -> None:
    blocked = cli(*asking(), "--json").json
    assert (blocked["status"], blocked["human_intervention_required"]) == ("blocked", True)

    [task] = cli("human", "list", "--json").json["tasks"]
    assert (task["id"], task["run_id"]) == (blocked["continuation_id"], blocked["run_id"])
    request_id = cli("human", "get", task["id"], "--json").json["request"]["id"]
    for words in ("Good?", "ann", request_id):
        assert words in cli("human", "get", task["id"]).out
    assert cli("human", "resume", task["id"], "--request-id", "other", "--approve").status == 1

    resumed = cli("human", "resume", task["id"], "--request-id", request_id, "--approve", "--json").json

    assert (resumed["status"], resumed["output_text"]) == ("completed", "hi>a>b")
    again = cli("human", "resume", task["id"], "--request-id", request_id, "--approve")
    assert (again.status, again.err.startswith("error: ")) == (1, True)


@pytest.mark.parametrize(
    ("answer", "decision"),
    [(("--reject",), "rejected"), (("--edit", "new"), "edited"), (("--approve", "--form", "{}"), "approved")],
)
def test_each_answer_is_a_decision(cli: Kneo, answer: tuple[str, ...], decision: str) -> None:
    blocked = cli(*asking(), "--json").json
    request_id = blocked["metadata"]["request"]["id"]

    ended = cli("human", "resume", blocked["continuation_id"], "--request-id", request_id, *answer)

    event = AuditEvent.objects.filter(event_type="human.decision").first()
    if decision == "approved":  # the question has no form
        assert (ended.status, event) == (1, None)
    else:
        assert ended.status == 0, ended.err
        assert event is not None
        assert event.metadata["decision"] == decision


@pytest.mark.parametrize("answers", [[], ["--approve", "--reject"], ["--edit", "x", "--provide", "y"], ["--form", "x"]])
def test_one_answer_is_needed(cli: Kneo, answers: list[str]) -> None:
    assert cli("human", "resume", "some", "--request-id", "x", *answers).status == 2


def test_a_run_can_be_looked_at_from_every_side(cli: Kneo) -> None:
    run_id = cli(*order(step("a"), step("b")), "--json").json["run_id"]

    assert cli("runs", "get", run_id, "--json").json["input_text"] == "hi"
    assert [run["run_id"] for run in cli("runs", "list", "--status", "completed", "--json").json["runs"]] == [run_id]
    assert cli("runs", "list", "--workflow", "other", "--json").json["total"] == 0
    events = cli("runs", "trace", run_id, "--json").json["events"]
    assert (events[0]["type"], events[-1]["type"]) == ("workflow_started", "workflow_completed")
    types = [each["type"] for each in cli("runs", "checkpoints", run_id, "--json").json["checkpoints"]]
    assert types == ["run_started", "step_completed", "step_completed", "run_completed"]
    assert [each["type"] for each in cli("runs", "replay", run_id, "--json").json["timeline"]] == types
    changed = cli("runs", "checkpoint-diff", run_id, "--from-sequence", "1", "--to-sequence", "2", "--json").json
    assert (changed["from_checkpoint"]["sequence"], changed["to_checkpoint"]["sequence"]) == (1, 2)
    assert [event["event_type"] for event in cli("audit", "list", "--run-id", run_id, "--json").json["events"]] == [
        "run.created"
    ]


@pytest.mark.parametrize("view", ["get", "trace", "checkpoints", "replay", "checkpoint-diff"])
def test_a_person_can_look_as_well(cli: Kneo, view: str) -> None:
    run_id = cli(*order(step("a"), step("b")), "--json").json["run_id"]

    shown = cli("runs", view, run_id)

    assert (shown.status, shown.err) == (0, "")
    assert shown.out.strip()
    assert cli("runs", "list").out.endswith("1 of 1 runs\n")
    assert cli("audit", "list").out.endswith("1 of 1 events\n")


@pytest.mark.parametrize("command", ["get", "trace", "checkpoints", "replay", "checkpoint-diff", "cancel", "continue"])
@pytest.mark.parametrize("run_id", ["no-id", "../../readyz", "3f1f2f6e-0000-4000-8000-000000000000"])
def test_a_run_that_there_is_not_is_told(cli: Kneo, command: str, run_id: str) -> None:
    ended = cli("runs", command, run_id)

    assert (ended.status, ended.out, ended.err.startswith("error: ")) == (1, "", True)


def test_a_run_is_cancelled_once_and_for_all(cli: Kneo) -> None:
    run_id = cli(*asking(), "--json").json["run_id"]

    assert [cli("runs", "cancel", run_id, "--json").json["status"] for _ in range(2)] == ["cancelled", "cancelled"]


def test_a_run_that_has_ended_is_not_cancelled(cli: Kneo) -> None:
    run_id = cli(*order(step("a")), "--json").json["run_id"]

    ended = cli("runs", "cancel", run_id)

    assert (ended.status, ended.err) == (1, f"error: The run {run_id} is completed and stays so.\n")


def test_a_failed_run_goes_on(cli: Kneo) -> None:
    FAILING.add("b")
    run_id = cli(*order(step("a"), step("b")), "--json").failure["run_id"]
    assert cli("runs", "continue", run_id).status == 1
    FAILING.clear()

    ended = cli("runs", "continue", run_id, "--json")

    assert (ended.json["status"], ended.json["output_text"], CALLS["a"]) == ("completed", "hi>a>b", 1)
    assert cli("runs", "continue", run_id).status == 1


def test_somebody_may_wait_later(cli: Kneo) -> None:
    run_id = cli(*order(step("a")), "--no-wait", "--json").json["run_id"]

    assert cli("runs", "wait", run_id, "--json").json["output_text"] == "hi>a"


def test_a_step_that_fails_once_is_tried_again_here(settings: Settings) -> None:
    settings.STEP_RETRY_BACKOFF_SECONDS = 0.05

    assert kneo(*order(step("flaky", on_error="retry", max_retries=2)), "--json").json["output_text"] == "hi>flaky"


def test_branches_on_runs_of_their_own_are_done_here_as_well(settings: Settings) -> None:
    settings.SPREAD_BRANCHES = 1
    spec = spec_of(step("a"), step("b"), step("c"))
    spec["workflow"] = {"type": "concurrent", "name": "flow", "participants": spec["workflow"]["steps"]}

    assert kneo("run", "-i", "hi", written(spec), "--json").json["status"] == "completed"
    assert CALLS == {"a": 1, "b": 1, "c": 1}
    assert Run.objects.filter(within__isnull=False).count() == 3


def test_an_interrupted_run_stops_after_its_step_and_goes_on_when_asked_to() -> None:
    HOOKS["a"] = lambda: signal.raise_signal(signal.SIGINT)

    ended = kneo(*order(step("a"), step("b")))

    assert (ended.status, ended.err.startswith("error: Interrupted.")) == (1, True)
    run = Run.objects.get()
    assert (run.status, run.lease_owner, CALLS["b"]) == ("running", None, 0)
    assert kneo("runs", "wait", run.pk, "--json").json["output_text"] == "hi>a>b"


def test_a_status_that_there_is_not_is_wrong_usage() -> None:
    ended = kneo("runs", "list", "--status", "done")

    assert (ended.status, ended.out) == (2, "")
    assert "There is no status 'done'; there are: running, blocked" in ended.err


def test_whoever_has_the_database_needs_no_key(settings: Settings) -> None:
    settings.API_KEYS = "op:a-key-of-somebody:admin"
    settings.ALLOWED_HOSTS = ["kneo.example.com"]

    assert kneo(*order(step("a")), "--json").json["status"] == "completed"
    assert AuditEvent.objects.get(event_type="run.created").actor == "cli"


@pytest.mark.usefixtures("bell")
def test_whoever_asks_a_service_does(live_server: LiveServer, settings: Settings) -> None:
    settings.API_KEYS = "op:a-key-of-somebody:admin"
    words = (*order(step("a")), "--json", "--service-url", live_server.url)

    refusal = kneo(*words).failure
    assert (refusal["error"], "(here: set KNEO_SERV_API_KEY" in refusal["message"]) == ("unauthorized", True)
    assert kneo(*words, KNEO_SERV_API_KEY="another").failure["error"] == "unauthorized"
    assert kneo(*words, KNEO_SERV_API_KEY="a-key-of-somebody").json["status"] == "completed"
    assert AuditEvent.objects.get(event_type="run.created").actor == "op"


@pytest.mark.usefixtures("bell")
@pytest.mark.parametrize("mishap", Mishap)
def test_an_order_whose_answer_is_lost_is_carried_out_once(live_server: LiveServer, mishap: Mishap) -> None:
    with FlakyFront(live_server.url) as front:
        front.befall(mishap)
        ended = kneo(
            *order(step("a")), "--json", "--service-url", front.url, KNEO_SERV_CLIENT_RETRY_BACKOFF_SECONDS="0"
        )

    assert (ended.json["output_text"], Run.objects.count(), CALLS["a"]) == ("hi>a", 1, 1)
    orders = [key for line, key in front.seen if line.startswith("POST")]
    assert (len(orders), len(set(orders))) == (2, 1)
