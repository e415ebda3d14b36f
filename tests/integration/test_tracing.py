"""What the spans of runs say, and which trace they belong to: that of the run, whoever advances it."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from kombu import Producer
from kombu.exceptions import OperationalError
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.celery.utils import CTX_KEY
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue
from pytest_django import Settings

from humantasks.rules import Decision
from kneo_project import spans
from kneo_project.spans import Content
from runs import tasks, transitions
from runs.models import Run
from runs.redriving import ForkRun, continue_run, fork_run
from tests.factories import HumanTaskFactory
from tests.integration.driving import advance, human, spec_of, start, step
from tests.integration.functions import FAILING, HOOKS
from tests.integration.test_agents import served
from tests.integration.test_approvals import asked, decide
from tests.integration.test_fan_outs import LIST, drive, over
from tests.integration.test_shapes import sequence
from tests.integration.test_shapes import spec_of as shaped
from tests.loglines import captured
from tests.stubs.chat_server import ChatServer, failure
from tests.tracing import Spans, recorded

TWO = spec_of(step("a"), step("b"))


@pytest.fixture
def seen() -> Iterator[Spans]:
    with recorded() as seen:
        yield seen


def about(span: ReadableSpan, name: str) -> AttributeValue | None:
    return (span.attributes or {}).get(name)


def traces(seen: Spans) -> set[int]:
    return {span.context.trace_id for span in seen.all() if span.name.startswith("kneo.")}


def test_a_run_is_a_span_for_each_time_that_somebody_had_it(seen: Spans) -> None:
    run = start(spec_of(step("a"), human(), step("b"), humans={"boss": {}}))
    advance(run)
    decide(run, Decision.APPROVED)
    [order], legs = seen.named("kneo.run.order"), seen.named("kneo.run")
    assert [(leg.parent and leg.parent.span_id, about(leg, "kneo.run.status")) for leg in legs] == [
        (order.context.span_id, "blocked"),
        (order.context.span_id, "completed"),
    ]
    assert {about(span, "kneo.run.id") for span in (*legs, *seen.named("kneo.step"))} == {str(run.pk)}
    assert [seen.above(span)[:1] for span in seen.named("kneo.worker.lease")] == [["kneo.run"], ["kneo.run"]]


def test_nobody_looks_for_work_in_a_span(seen: Spans) -> None:
    tasks.advance_due()
    assert seen.all() == []


def test_branches_are_below_the_run_that_made_them(seen: Spans) -> None:
    drive(start(shaped(over("a", name="each")), LIST))
    steps = [span for span in seen.named("kneo.step") if about(span, "kneo.step.id") == "a"]
    assert [seen.above(span) for span in steps] == [["kneo.run", "kneo.run", "kneo.run.order"]] * 3
    assert len(traces(seen)) == 1


def test_a_run_of_an_order_is_in_the_trace_of_the_order(seen: Spans) -> None:
    with seen.tracer.start_as_current_span("POST"):
        run = start(TWO)
    advance(run)
    assert [seen.above(span) for span in seen.named("kneo.run")] == [["POST"]]
    [order] = seen.named("POST")
    assert about(order, "kneo.run.id") == str(run.pk)


def test_a_run_goes_on_in_its_trace_and_points_to_who_rang(seen: Spans) -> None:
    run = start(TWO)
    with seen.tracer.start_as_current_span("doorbell") as doorbell:
        advance(run)
    [leg] = seen.named("kneo.run")
    assert seen.above(leg) == ["kneo.run.order"]
    assert [link.context.span_id for link in leg.links] == [doorbell.get_span_context().span_id]


def test_a_run_from_before_there_was_telemetry_is_a_trace_for_each_worker_that_has_it() -> None:
    run = start(TWO)
    with recorded() as seen:
        advance(run)
    assert [seen.above(span) for span in seen.named("kneo.step")] == [["kneo.run"], ["kneo.run"]]


def test_a_failed_step_says_why_without_secrets(seen: Spans) -> None:
    advance(start(spec_of(step("boom")), "password=hunter2hunter2"))
    [failed, leg] = [*seen.named("kneo.step"), *seen.named("kneo.run")]
    for span in (failed, leg):
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "boom password=[REDACTED]")
        assert about(span, "error.type") == "RuntimeError"
        assert list(span.events) == []


def test_a_run_that_goes_on_after_a_failure_and_its_fork_keep_their_traces(seen: Spans) -> None:
    FAILING.add("b")
    run = start(TWO)
    advance(run)
    FAILING.clear()
    continue_run(run.pk, actor="alice")
    advance(run)
    assert len({leg.context.trace_id for leg in seen.named("kneo.run")}) == 1
    fork = fork_run(run.pk, ForkRun(checkpoint=2), actor="alice")
    assert fork.traceparent not in {None, run.traceparent}


def test_agents_models_and_tools_are_told_by_the_conventions(seen: Spans) -> None:
    with ChatServer() as chat:
        run = asked(chat, approval="never")
    assert run.status == "completed"
    [turn], [first, _], [call] = (
        seen.named("invoke_agent writer"),
        seen.named("chat small"),
        seen.named("execute_tool pay"),
    )
    assert [seen.above(span)[0] for span in (turn, first, call)] == ["kneo.step", turn.name, turn.name]
    assert first.kind is SpanKind.CLIENT
    assert (about(first, "gen_ai.operation.name"), about(first, "gen_ai.provider.name")) == ("chat", "openai")
    assert about(first, "gen_ai.response.finish_reasons") == ["tool_calls"]
    assert (about(turn, "gen_ai.usage.input_tokens"), about(first, "gen_ai.usage.input_tokens")) == (22, 11)
    assert (about(call, "gen_ai.tool.name"), about(call, "gen_ai.tool.call.id")) == ("pay", "answer/1/1.1")


def test_no_content_is_on_spans_unless_the_operator_wants_it(seen: Spans) -> None:
    with ChatServer() as chat:
        asked(chat, approval="never")
    said = str([dict(span.attributes or {}) for span in seen.all()])
    assert [word for word in ("invoice", "paid", "hi") if f"{word} " in said or f"'{word}" in said] == []


def test_content_is_redacted_by_its_keys_and_its_look() -> None:
    with ChatServer() as chat, recorded(*Content) as seen:
        asked(chat, approval="never")
        asked(chat, approval="never")
    call, chatted = seen.named("execute_tool pay")[0], seen.named("chat small")[0]
    assert about(call, "gen_ai.tool.call.arguments") == '{"query": "invoice 7"}'
    assert "paid" in str(about(seen.named("chat small")[1], "gen_ai.output.messages"))
    assert '"content": "hi"' in str(about(chatted, "gen_ai.input.messages"))
    assert spans.shown({"api_key": "x", "text": "mail jo@example.org"}) == (
        '{"api_key": "[REDACTED]", "text": "mail [REDACTED_EMAIL]"}'
    )


def test_asking_a_person_is_no_failure(seen: Spans) -> None:
    with ChatServer() as chat:
        run = asked(chat)
        decide(run, Decision.APPROVED)
    assert {span.status.status_code for span in seen.all()} == {StatusCode.UNSET}
    assert [about(span, "kneo.step.outcome") for span in seen.named("kneo.step")] == ["asks", "succeeded", "succeeded"]
    assert len(seen.named("chat small")) == 2  # what the journal gives again is no call


def test_a_model_that_fails_is_told_by_its_type(seen: Spans, settings: Settings) -> None:
    settings.PROVIDER_RETRIES = 0
    with ChatServer() as chat:
        chat.queue(failure(500, "Bearer abcdefgh"))
        spec = shaped(sequence(step("write", "writer", "agent")))
        spec["components"]["agents"]["writer"] = served(chat)
        advance(start(spec))
    [chatted] = [span for span in seen.all() if span.name.startswith("chat")]
    assert about(chatted, "error.type") == "ProviderError"
    assert "abcdefgh" not in str(chatted.status.description)


def test_a_lapsed_run_is_rung_for_in_its_own_trace(seen: Spans) -> None:
    run = start(TWO)
    transitions.claim(run.pk, "dead")
    tasks.sweep()
    [bell] = seen.named("kneo.queue.dispatch")
    assert (seen.above(bell), about(bell, "kneo.run.id")) == (["kneo.run.order"], str(run.pk))


def test_a_message_that_cannot_be_sent_leaves_no_span_behind(seen: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(Producer, "publish", refuse)
    instrumentor = CeleryInstrumentor()  # type: ignore[no-untyped-call]
    instrumentor.instrument(tracer_provider=seen.provider)
    try:
        with seen.tracer.start_as_current_span("POST"):
            before = spans.ids()
            tasks.ring(start(TWO).pk, "default")
            assert spans.ids() == before
    finally:
        instrumentor.uninstrument()
    assert getattr(tasks.advance_run, CTX_KEY) == {}
    [message] = seen.named("apply_async/runs.advance_run")
    assert (message.status.description, seen.above(message)) == (
        "The broker was not reachable.",
        ["kneo.queue.dispatch", "POST"],
    )


def test_lines_of_a_step_name_its_run_its_step_and_its_span(seen: Spans) -> None:
    HOOKS["a"] = lambda: logging.getLogger("runs.test").warning("here")
    with captured() as lines:
        run = start(TWO)
        advance(run)
    [line] = lines.of("runs.test")
    [first, _] = seen.named("kneo.step")
    expected = {"run_id": str(run.pk), "step_id": "a"}
    expected |= {"trace_id": f"{first.context.trace_id:032x}", "span_id": f"{first.context.span_id:016x}"}
    assert {name: line[name] for name in expected} == expected


def test_lines_of_the_sweep_name_the_run_that_they_are_about() -> None:
    task = HumanTaskFactory.create(on_timeout="nonsense", expires_at=timezone.now() - timedelta(hours=1))
    with captured() as lines:
        tasks.sweep()
    assert [line["run_id"] for line in lines.of("runs.deadlines")] == [str(task.run_id)]


def test_a_run_that_is_over_its_time_says_so(seen: Spans) -> None:
    run = start(TWO, timeout_seconds=1)
    Run.objects.filter(pk=run.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    advance(run)
    assert [about(leg, "kneo.run.status") for leg in seen.named("kneo.run")] == ["timed_out"]


def test_lines_of_a_step_name_its_run_and_its_step_without_telemetry() -> None:
    HOOKS["a"] = lambda: logging.getLogger("runs.test").warning("here")
    with captured() as lines:
        run = start(TWO)
        advance(run)
        logging.getLogger("runs.test").warning("after")
    [line, after] = lines.of("runs.test")
    assert (line["run_id"], line["step_id"], "trace_id" in line) == (str(run.pk), "a", False)
    assert "run_id" not in after
