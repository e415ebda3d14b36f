"""One trace for each run, across web and the workers that had it, as a collector receives it; without secrets.

The run asks an agent, then a person, and then the agent again in another worker: the first one was stopped meanwhile.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests import services
from tests.acceptance.deployment import Deployment, Job
from tests.acceptance.ledger import Event
from tests.acceptance.processes import Process
from tests.acceptance.sites import open_site
from tests.stubs.chat_server import Answer, ChatServer, completion, tool_call
from tests.stubs.otlp_server import OtlpServer, Received

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq]
SECRET = "correct-horse-battery"


def model(body: Mapping[str, Any]) -> Answer:
    """Call the tool once, with a password, and then answer."""
    if any(message["role"] == "tool" for message in body["messages"]):
        return completion(f"The password={SECRET} is noted.")
    token = [message["content"] for message in body["messages"] if message["role"] == "user"][-1][:32]
    return tool_call("note", json.dumps({"ledger": token, "password": SECRET}))


def spec_of(base_url: str) -> dict[str, Any]:
    """Return a spec: an agent with a tool, a person, the agent again about what the run began with."""
    clerk = {
        "name": "clerk",
        "model": {"provider": "openai", "name": "small", "extra": {"base_url": base_url}},
        "runtime_preferences": {"preferred_mode": "native", "native_provider": "openai"},
        "strategy": "react",
        "tools": ["note"],
    }
    steps = [("first", "agent", "clerk"), ("restore", "function", "restore"), ("ask", "human", "boss")]
    steps += [("second", "agent", "clerk"), ("break", "function", "fall")]
    return {
        "version": "v1",
        "agent": {"name": "acceptance"},
        "workflow": {
            "type": "sequential",
            "name": "noting",
            "steps": [{"id": name, "kind": kind, "ref": ref} for name, kind, ref in steps],
        },
        "tools": {"note": {"description": "Note it.", "implementation": "tests.acceptance.steps.tool"}},
        "components": {
            "agents": {"clerk": clerk},
            "humans": {"boss": {}},
            "functions": {
                "restore": {"implementation": "tests.acceptance.steps.token_of_run"},
                "fall": {"implementation": "tests.acceptance.steps.fall"},
            },
        },
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a collector has heard of one run, and where its processes wrote their logs."""

    run_id: str
    spans: list[Received]
    deployment: Deployment

    def of_run(self, name: str) -> list[Received]:
        """Return the spans of that name in the run's trace."""
        [trace] = {span.trace for span in self.spans if span.name == "kneo.run"}
        return [span for span in self.spans if span.trace == trace and span.name == name]

    def above(self, span: Received) -> list[str]:
        """Return the names of the spans around ``span``, the innermost first."""
        by_id = {each.id: each for each in self.spans}
        names = []
        while span.parent:
            span = by_id[span.parent]
            names.append(span.name)
        return names


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with ChatServer(model) as chat, OtlpServer() as collector:
        settings = {
            "KNEO_SERV_OTEL_ENABLED": "true",
            "KNEO_SERV_OTEL_RECORD_ARGUMENTS": "true",
            "KNEO_SERV_OTEL_RECORD_RESULTS": "true",
            "KNEO_SERV_OTEL_RECORD_MESSAGES": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_SERVICE_NAME": "kneo-test",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",  # so that what arrives is what was sent by a process that ends
        }
        with open_site(services.RABBITMQ, tmp_path_factory.mktemp("telemetry"), settings) as site:
            deployment = site.deployment
            job = _told(deployment, spec_of(chat.base_url))
            for process in (deployment.workers[1], *deployment.processes[:2]):
                process.terminate()
                process.wait_gone(within=20)
            yield Story(run_id=job.run_id, spans=list(collector.spans), deployment=deployment)


def _told(deployment: Deployment, spec: dict[str, Any]) -> Job:
    """Return a run that one of two workers began and the other one ended, as the first was stopped meanwhile."""
    deployment.scale(2)
    job = deployment.start(spec)
    deployment.wait_for(job, "blocked")
    [call] = job.ledger.entries("answer/1/1.1", Event.BEGAN)
    first = deployment.worker_of(call)
    deployment.workers.sort(key=lambda worker: worker is not first)
    first.terminate()
    first.wait_gone(within=20)
    deployment.approve(job).answer.result()
    deployment.wait_for(job, "failed")
    return job


def test_two_workers_had_the_run_and_it_is_one_trace(story: Story) -> None:
    runs = story.of_run("kneo.run")
    assert [run.attributes["kneo.run.id"] for run in runs] == [story.run_id] * 2
    assert len({run.process["service.instance.id"] for run in runs}) == 2
    assert {run.process["kneo.process"] for run in runs} == {"worker"}
    assert {run.process["service.name"] for run in runs} == {"kneo-test"}
    assert [run.attributes.get("kneo.run.status") for run in runs] == ["blocked", "failed"]


def test_the_tool_call_is_below_the_request_that_ordered_the_run(story: Story) -> None:
    calls = story.of_run("execute_tool note")
    around = ["invoke_agent clerk", "kneo.step", "kneo.run", "POST v1/runs"]
    assert [story.above(call) for call in calls] == [around, around]
    assert len({call.process["service.instance.id"] for call in calls}) == 2
    [request] = story.of_run("POST v1/runs")
    assert (request.process["kneo.process"], request.attributes["kneo.run.id"]) == ("web", story.run_id)


def test_every_span_of_the_run_has_its_parent(story: Story) -> None:
    trace = story.of_run("kneo.run")[0].trace
    spans = [span for span in story.spans if span.trace == trace]
    assert [span.name for span in spans if not span.parent] == ["POST v1/runs"]
    assert {span.parent for span in spans} - {""} <= {span.id for span in spans}


def test_what_the_service_did_is_told_by_name(story: Story) -> None:
    for name in ("kneo.queue.dispatch", "kneo.worker.lease", "kneo.step", "chat small"):
        assert {story.above(span)[-1] for span in story.of_run(name)} == {"POST v1/runs"}, name
    steps = {
        span.attributes["kneo.step.id"]: span.attributes["kneo.step.outcome"] for span in story.of_run("kneo.step")
    }
    assert steps == {"first": "succeeded", "restore": "succeeded", "second": "succeeded", "break": "failed"}
    chat = story.of_run("chat small")[0].attributes
    assert (chat["gen_ai.provider.name"], chat["gen_ai.request.model"]) == ("openai", "small")
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (11, 7)
    assert "UPDATE" in {span.name.split(" ")[0] for span in story.spans if "db.system.name" in span.attributes}


def test_the_answer_is_a_trace_of_its_own_that_points_to_the_run(story: Story) -> None:
    [lock] = [span for span in story.spans if span.name == "kneo.continuation.lock"]
    [order], second = story.of_run("POST v1/runs"), story.of_run("kneo.run")[1]
    assert lock.trace != order.trace
    assert lock.links == [(order.trace, order.id)]
    assert [trace for trace, _ in second.links] == [lock.trace]


def test_nothing_is_a_trace_by_itself_that_nobody_asked_for(story: Story) -> None:
    assert {span.name.split(" ")[0] for span in story.spans if not span.parent} <= {"GET", "POST"}


def test_content_is_on_spans_without_secrets(story: Story) -> None:
    assert not [span.name for span in story.spans if SECRET in span.wire]
    call = story.of_run("execute_tool note")[0].attributes
    assert json.loads(call["gen_ai.tool.call.arguments"])["password"] == "[REDACTED]"
    assert call["gen_ai.tool.call.result"].startswith('"call ')
    said = json.loads(story.of_run("chat small")[1].attributes["gen_ai.output.messages"])
    assert said[0]["parts"] == [{"type": "text", "content": "The password=[REDACTED] is noted."}]


def test_errors_are_their_type_and_a_redacted_message(story: Story) -> None:
    [broken] = [span for span in story.of_run("kneo.step") if span.error is not None]
    assert (broken.attributes["error.type"], broken.error) == ("RuntimeError", "It fell: password=[REDACTED]")
    assert [run.error for run in story.of_run("kneo.run")] == [None, "It fell: password=[REDACTED]"]


def lines_of(process: Process, words: str) -> list[dict[str, Any]]:
    """Return the log lines of ``process`` with these words, each of them JSON."""
    return [json.loads(line) for line in process.log.read_text().splitlines() if words in line]


def test_log_lines_lead_to_the_trace(story: Story) -> None:
    broken = next(span for span in story.of_run("kneo.step") if span.error is not None)
    [line] = lines_of(story.deployment.workers[1], "I fall now")
    expected = {"run_id": story.run_id, "step_id": "break", "trace_id": broken.trace, "span_id": broken.id}
    assert {name: line[name] for name in expected} == expected

    [order] = story.of_run("POST v1/runs")
    [line] = lines_of(story.deployment.processes[1], '"path": "/v1/runs"')
    assert (line["method"], line["trace_id"], line["span_id"]) == ("POST", order.trace, order.id)
    assert line["request_id"]
