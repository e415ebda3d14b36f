"""Which service a command asks, with which key, and what it does about bad answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stubs.api_server import ApiServer, Call, Reply, reply
from tests.unit.cli.commands import Ended, kneo

PAGE = {"runs": [], "count": 0, "total": 0, "window": 10_000, "limit": 20, "offset": 0}
BUSY = {"detail": {"error": "queue_full", "message": "Too many runs are waiting already; try again later."}}
PROJECT = "project: {name: claims}\nservice: {default_url: URL}\n"
GOOD = "version: v1\nagent: {name: root}\n"
PROMISED: dict[str, object] = {"run_id": "r-1", "status": "running", "output_text": None, "continuation_id": None}
ACCEPTED = PROMISED | {"metadata": {}}
RUNNING = ACCEPTED | {"error": None}


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory, and come back at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KNEO_SERV_CLIENT_RETRY_BACKOFF_SECONDS", "0")


@pytest.fixture
def service() -> Iterator[ApiServer]:
    """A service without runs."""
    with ApiServer(reply(PAGE)) as server:
        yield server


def asked(*replies: Reply, words: tuple[str, ...] = ("runs", "list"), **environment: str) -> tuple[Ended, list[Call]]:
    """Run a command against a service that gives ``replies``; return how it ended and what it sent."""
    with ApiServer(*replies) as server:
        return kneo(*words, "--service-url", server.url, **environment), server.calls


def set_profile(name: str, url: str, *options: str) -> None:
    kneo("config", "profile", "set", name, "--service-url", url, *options)


def named_by(*options: str) -> str:
    """Return what ``config show`` says of who names the service."""
    return kneo("config", "show", *options).out.splitlines()[-1]


def test_the_nearest_word_counts(tmp_path: Path) -> None:
    assert named_by() == "Commands ask this installation itself."
    set_profile("active", "http://active")
    set_profile("other", "http://other", "--no-activate")
    assert named_by() == "Commands ask http://active (named by the active profile active)."
    (tmp_path / "kneo_serv.yaml").write_text(PROJECT.replace("URL", "http://project/"))
    assert named_by().startswith("Commands ask http://project (named by the project ")
    assert named_by("--service-url", "http://url") == "Commands ask http://url (named by --service-url)."
    assert named_by("--profile", "other") == "Commands ask http://other (named by the profile other)."
    assert named_by("--profile", "other", "--service-url", "http://url").startswith("Commands ask http://url ")
    assert named_by("--local") == "Commands ask this installation itself."


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (("--profile", "keyed"), "Bearer of-profile"),
        (("--profile", "bare"), "Bearer of-environment"),
        (("--service-url", "URL"), "Bearer of-environment"),
        (("--profile", "keyed", "--service-url", "URL"), "Bearer of-profile"),
        ((), "Bearer of-profile"),
    ],
)
def test_the_key_of_the_profile_comes_first(service: ApiServer, options: tuple[str, ...], key: str) -> None:
    set_profile("bare", service.url)
    set_profile("keyed", service.url, "--api-key", "of-profile")

    words = [word.replace("URL", service.url) for word in options]
    assert kneo("runs", "list", *words, KNEO_SERV_API_KEY="of-environment").status == 0

    assert [call.authorization for call in service.calls] == [key]


def test_the_key_of_the_active_profile_is_not_for_the_service_of_a_project(service: ApiServer) -> None:
    set_profile("active", "http://elsewhere", "--api-key", "secret-of-elsewhere")
    Path("kneo_serv.yaml").write_text(PROJECT.replace("URL", service.url))

    assert kneo("runs", "list").status == 0

    assert [call.authorization for call in service.calls] == [None]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    ended, calls = asked(reply(BUSY, status), reply(BUSY, status), reply(PAGE))

    assert (ended.status, len(calls)) == (0, 3)
    assert calls[0].line.startswith("GET /v1/runs?")


def test_the_last_refusal_is_told() -> None:
    ended, calls = asked(reply(BUSY, 503), KNEO_SERV_CLIENT_RETRIES="1")

    assert (ended.status, ended.err, len(calls)) == (1, f"error: {BUSY['detail']['message']}\n", 2)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    ended, calls = asked(reply({"detail": {"error": "x", "message": "No."}}, status))

    assert (ended.status, ended.err.startswith("error: No."), len(calls)) == (1, True, 1)


def test_a_service_that_asks_for_a_pause_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    asked(reply(BUSY, 503, Retry_After="7"), reply(BUSY, 503, Retry_After="86400"), reply(PAGE))

    assert pauses == [7.0, 60.0]


def test_an_order_is_sent_again_under_its_key() -> None:
    Path("good.yaml").write_text(GOOD)

    ended, calls = asked(
        reply(BUSY, 503), reply(ACCEPTED, 202), words=("run", "-i", "hi", "--no-wait", "--json", "good.yaml")
    )

    assert (ended.json["run_id"], len(calls)) == ("r-1", 2)
    assert calls[0] == calls[1]
    assert str(calls[0].key).startswith("kneo-cli-")
    assert calls[0].body == {
        "spec": {"version": "v1", "agent": {"name": "root"}},
        "environment": "dev",
        "input": "hi",
        "target": "workflow",
        "async_mode": True,
    }


def test_whoever_does_not_want_to_wait_is_told_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)

    ended, _ = asked(reply(RUNNING), words=("runs", "wait", "r-1"))

    assert (ended.status, ended.err) == (
        1,
        "error: Interrupted. The run goes on; wait again with: kneo runs wait r-1\n",
    )


def test_waiting_ends_when_branches_have_asked_people(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    looks = [reply(RUNNING)] * 12

    ended, calls = asked(*looks, reply({"total": 1}), words=("runs", "wait", "r-1"))

    assert (ended.status, ended.out.endswith("kneo human list --run-id r-1\n")) == (0, True)
    assert calls[-1].line == "GET /v1/human-tasks?run_id=r-1&limit=1"
    assert pauses == sorted(pauses)


def test_the_key_of_an_order_may_be_given() -> None:
    Path("good.yaml").write_text(GOOD)

    _, calls = asked(
        reply(ACCEPTED), words=("run", "good.yaml", "-i", "x", "--no-wait"), KNEO_SERV_IDEMPOTENCY_KEY="k-1"
    )

    assert [call.key for call in calls] == ["k-1"]


def test_a_run_can_be_asked_to_wait_elsewhere_and_otherwise_nothing_is_said_of_it() -> None:
    Path("good.yaml").write_text(GOOD)
    words = ("run", "good.yaml", "-i", "x", "--no-wait")
    _, [usual] = asked(reply(ACCEPTED), words=words)
    _, [special] = asked(reply(ACCEPTED), words=(*words, "--queue", "bulk", "--priority", "low"))
    assert not {"queue", "priority"} & usual.body.keys()
    assert (special.body["queue"], special.body["priority"]) == ("bulk", "low")


def test_a_service_that_is_not_there_is_named() -> None:
    with ApiServer(reply(PAGE)) as server:
        url = server.url

    ended = kneo("runs", "list", "--service-url", url, "--json")

    assert (ended.status, ended.out, ended.failure["error"]) == (1, "", "service_unreachable")
    assert url in ended.failure["message"]


@pytest.mark.parametrize("given", [Reply(status=502, body=b"<html>"), Reply(body=b"hello"), Reply(body=b"[1]")])
def test_an_answer_that_is_none_is_told_in_words(given: Reply) -> None:
    ended, _ = asked(given, KNEO_SERV_CLIENT_RETRIES="0")

    assert (ended.status, "answered" in ended.err, "Traceback" in ended.err) == (1, True, False)


def test_an_answer_that_lacks_something_is_told_in_words() -> None:
    for words in ("runs list", "runs get r", "runs trace r", "human list", "audit list", "spec validate good.yaml"):
        Path("good.yaml").write_text(GOOD)
        ended, _ = asked(reply({}), words=tuple(words.split()))

        assert (ended.out, ended.err) == (
            "",
            "error: The service gave an answer that this release does not understand.\n",
        )


def test_what_a_request_lacks_is_listed() -> None:
    problems = [{"type": "missing", "loc": ["body", "input"], "msg": "Field required"}]

    ended, _ = asked(reply({"detail": problems}, 422))

    assert ended.err == "error: The request is not valid: body.input: Field required\n"


@pytest.mark.parametrize("name", ["TIMEOUT", "RETRIES", "RETRY_BACKOFF_SECONDS"])
@pytest.mark.parametrize("value", ["many", "-1", "nan"])
def test_a_variable_that_makes_no_sense_is_named(service: ApiServer, name: str, value: str) -> None:
    ended = kneo("runs", "list", "--service-url", service.url, **{f"KNEO_SERV_CLIENT_{name}": value})

    assert (ended.status, f"KNEO_SERV_CLIENT_{name}" in ended.err) == (1, True)


def test_whoever_has_no_home_has_no_profiles(service: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KNEO_SERV_PROFILES_PATH")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)

    assert named_by() == "Commands ask this installation itself."
    assert kneo("config", "profile", "set", "x", "--service-url", service.url).status == 1


def test_a_service_and_none_is_wrong_usage() -> None:
    assert kneo("runs", "list", "--local", "--profile", "x").status == 2


def test_what_would_steer_the_terminal_is_not_printed() -> None:
    error = {"type": "E", "message": "\x1b[2J[red]gone"}
    run = {"run_id": "r", "status": "failed", "workflow_name": "\x1b]0;w\x07", "updated_at": "", "error": error}

    ended, _ = asked(reply(PAGE | {"runs": [run], "count": 1, "total": 1}))

    assert "\x1b" not in ended.out
    assert "[red]gone" in ended.out


def test_a_long_trace_is_fetched_page_by_page() -> None:
    event = dict.fromkeys(
        ("agent_name", "workflow_name", "step_id", "tool_name", "error", "output_preview", "input_preview")
    )
    page = {"run_id": "r", "total": 3, "window": 10_000, "limit": 1000, "offset": 0}
    pages = [
        reply(page | {"events": [event | {"type": "a"}, event | {"type": "b"}]}),
        reply(page | {"events": [event | {"type": "c"}]}),
    ]

    ended, calls = asked(*pages, words=("runs", "trace", "r", "--json"))

    assert [each["type"] for each in ended.json["events"]] == ["a", "b", "c"]
    assert [call.line for call in calls] == [
        "GET /v1/runs/r/trace?limit=1000",
        "GET /v1/runs/r/trace?limit=1000&offset=2",
    ]


def test_the_verdict_of_a_service_is_shown_with_the_places_of_the_file() -> None:
    Path("bad.yaml").write_text("version: v1\nagent: {name: root, skills: [ghost]}\n")
    own = kneo("spec", "validate", "bad.yaml", "--json").json["diagnostics"][0]
    remote = {name: own[name] for name in ("code", "severity", "message", "path", "suggestion")}
    further = remote | {"code": "W_OF_ANOTHER_RELEASE", "severity": "warning"}

    verdict = reply({"valid": False, "diagnostics": [remote, further]})
    ended, calls = asked(verdict, words=("spec", "validate", "bad.yaml", "--json"))

    assert (ended.status, ended.json) == (1, {"valid": False, "diagnostics": [own, further]})
    assert [call.line for call in calls] == ["POST /v1/specs/validate"]
    assert asked(verdict, words=("spec", "lint", "bad.yaml"))[0].out.endswith("bad.yaml: errors 1, warnings 1\n")
    assert asked(verdict, words=("spec", "validate", "bad.yaml", "--format", "sarif"))[0].status == 1


def test_a_service_compiles_and_explains() -> None:
    Path("good.yaml").write_text(GOOD)
    compiled = {"ok": True, "summary": {"has_root_agent": True}, "diagnostics": []}

    assert asked(reply(compiled), words=("spec", "compile", "good.yaml", "--json"))[0].json == compiled
    ended, calls = asked(reply({"summary": {"root_agent": "root"}}), words=("spec", "explain", "good.yaml"))
    assert (ended.out, calls[0].line) == ("root_agent: root\n", "POST /v1/specs/explain")


def test_a_spec_that_a_service_refuses_is_not_fine_and_a_service_that_is_not_there_is_worse() -> None:
    Path("good.yaml").write_text(GOOD)
    diagnostic = {"code": "E_X", "severity": "error", "message": "Odd.", "path": "agent", "suggestion": None}
    refusal = {"error": "spec_invalid", "message": "The spec has an error.", "diagnostics": [diagnostic]}

    ended, _ = asked(reply({"detail": refusal}, 400), words=("spec", "compile", "good.yaml"))

    assert (ended.status, "E_X" in ended.err, "Odd." in ended.err) == (1, True, True)
    assert asked(reply({"detail": BUSY["detail"]}, 401), words=("spec", "compile", "good.yaml"))[0].status == 3


def test_the_settings_of_the_project_are_shown(tmp_path: Path) -> None:
    assert json.loads(kneo("config", "show", "--json").out) == {}
    (tmp_path / "kneo_serv.yaml").write_text(PROJECT.replace("URL", "http://project"))

    shown = kneo("config", "show", "--json").json

    assert (shown["project"]["name"], shown["service"]["default_url"]) == ("claims", "http://project")
