"""Steps that ask a person in the middle of their work: before a tool is called, and about what a guardrail found."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from pytest_django import Settings

from humantasks.errors import InvalidDecision
from humantasks.models import HumanTask
from humantasks.rules import Answer, Decision
from runs import services
from runs.models import JournalEntry, Run, Target, TraceEvent
from runs.redriving import continue_run
from tests.integration.crashing import crashes, in_child
from tests.integration.driving import advance, human, start, step
from tests.integration.functions import CALLS, FAILING, HOOKS
from tests.integration.questions import recover
from tests.integration.test_agents import served
from tests.integration.test_shapes import among, paths, sequence
from tests.integration.test_shapes import spec_of as shaped
from tests.stubs.chat_server import Answer as ChatAnswer
from tests.stubs.chat_server import ChatServer, completion, tool_call, tool_calls

WRITER = step("write", "writer", "agent")


def spec_of(chat: ChatServer, workflow: dict[str, Any] | None = None, **tool: Any) -> dict[str, Any]:
    """Return a spec whose writer has a tool that a person has to approve."""
    spec = shaped(workflow or sequence(WRITER, "b"))
    query = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    spec["tools"] = {
        "pay": {
            "description": "Pay it.",
            "implementation": "tests.integration.functions.pay",
            "parameters": query,
            "approval": "always",
            **tool,
        }
    }
    spec["components"]["agents"]["writer"] = served(chat, tools=["pay"])
    spec["components"]["humans"]["boss"] = {"assignee": "ceo", "on_reject": "fail"}
    return spec


def asked(chat: ChatServer, workflow: dict[str, Any] | None = None, **tool: Any) -> Run:
    """Return a run that waits for the approval of a call."""
    chat.queue(tool_call("pay", '{"query": "invoice 7"}'), completion("paid it"))
    run = start(spec_of(chat, workflow, **tool))
    advance(run)
    return run


def decide(run: Run, decision: Decision, content: str | None = None) -> None:
    """Answer the open question of ``run``, and advance it."""
    task = HumanTask.objects.open().get(run=run)
    answer = Answer(request_id=str(task.request_id), decision=decision, content=content)
    services.resume_run(task.pk, answer, actor="alice")
    advance(run)


def told(chat: ChatServer) -> list[str]:
    """Return what the model was told of its tools when it was asked last."""
    return [message["content"] for message in chat.requests[-1].body["messages"] if message["role"] == "tool"]


def test_a_person_sees_the_exact_call_before_it_is_made(chat: ChatServer) -> None:
    run = asked(chat)

    assert (run.status, run.lease_owner, run.wake_at, CALLS["pay"]) == ("blocked", None, None, 0)
    request = HumanTask.objects.get(run=run).as_request()
    assert request["title"] == "Call the tool pay?"
    assert request["context"]["arguments"] == {"query": "invoice 7"}
    assert (request["context"]["tool"], request["requested_by"]) == ("pay", "write")


def test_an_approved_call_is_made_once_and_the_turn_goes_on_where_it_was(chat: ChatServer) -> None:
    run = asked(chat)
    decide(run, Decision.APPROVED)

    assert (run.status, run.output_text, CALLS["pay"]) == ("completed", "paid it>b", 1)
    assert len(chat.requests) == 2
    assert run.total_tokens == 36
    assert paths(run) == ["write#1", "b#1"]
    kinds = list(run.checkpoints.values_list("type", flat=True))
    assert kinds[1:4] == ["human_pause", "human_resume", "step_completed"]


def test_a_refused_call_is_not_made_and_the_model_hears_why(chat: ChatServer) -> None:
    run = asked(chat)
    decide(run, Decision.REJECTED, "too expensive")

    assert (run.status, CALLS["pay"]) == ("completed", 0)
    assert told(chat) == [json.dumps({"error": "A person refused the call of the tool 'pay': too expensive."})]
    assert TraceEvent.objects.get(run=run, type="tool_denied").model["tool_name"] == "pay"


def test_who_is_asked_is_what_the_spec_says_and_a_rejection_may_end_the_run(chat: ChatServer) -> None:
    run = asked(chat, approver="boss")
    assert HumanTask.objects.get(run=run).assignee == "ceo"

    decide(run, Decision.REJECTED, "no")

    assert (run.status, run.error_type, CALLS["pay"]) == ("failed", "human_rejected", 0)


def test_arguments_may_be_changed_only_if_the_spec_says_so(chat: ChatServer) -> None:
    run = asked(chat)
    with pytest.raises(InvalidDecision, match="stay as they are"):
        decide(run, Decision.EDITED, '{"query": "invoice 8"}')
    assert HumanTask.objects.open().filter(run=run).exists()


@pytest.mark.parametrize(
    ("content", "field"),
    [("no json", "content"), ("[1]", "content"), ('{"query": 5}', "content.query"), ("", "content")],
)
def test_changed_arguments_that_do_not_fit_are_refused_and_the_question_stays(
    chat: ChatServer, content: str, field: str
) -> None:
    run = asked(chat, edit_arguments=True)
    with pytest.raises(InvalidDecision) as refused:
        decide(run, Decision.EDITED, content)
    assert refused.value.data["field"] == field
    assert HumanTask.objects.open().filter(run=run).exists()


def test_changed_arguments_are_those_of_the_call(chat: ChatServer) -> None:
    run = asked(chat, edit_arguments=True)
    decide(run, Decision.EDITED, '{"query": "invoice 8"}')

    assert (run.status, told(chat)) == ("completed", ["paid invoice 8"])


def test_calls_of_one_turn_are_approved_one_by_one_before_any_is_made(chat: ChatServer) -> None:
    chat.queue(tool_calls(("pay", '{"query": "one"}'), ("pay", '{"query": "two"}')), completion("both"))
    run = start(spec_of(chat))
    advance(run)

    decide(run, Decision.APPROVED)
    assert (run.status, CALLS["pay"]) == ("blocked", 0)
    decide(run, Decision.REJECTED)

    assert (run.status, CALLS["pay"], len(chat.requests)) == ("completed", 1, 2)
    assert [answer.startswith('{"error"') for answer in told(chat)] == [False, True]


@pytest.mark.parametrize(
    ("permissions", "status"),
    [({}, "completed"), ({"allow_shell": True}, "blocked"), ({"allow_network": True}, "blocked")],
)
def test_privileged_agents_need_approval_for_what_others_may_do(
    chat: ChatServer, permissions: dict[str, Any], status: str
) -> None:
    chat.queue(tool_call("pay", '{"query": "x"}'), completion("done"))
    spec = spec_of(chat, approval="privileged")
    spec["components"]["agents"]["writer"]["tools"] = {"include": ["pay"], "permissions": permissions}
    run = start(spec)
    advance(run)
    assert run.status == status


def test_an_agent_that_runs_alone_asks_too(chat: ChatServer) -> None:
    chat.queue(tool_call("pay", '{"query": "x"}'), completion("paid it"))
    spec = spec_of(chat)
    spec["agent"] = served(chat, "root", tools=["pay"])
    run = start(spec, target=Target.AGENT)
    advance(run)
    assert (run.status, CALLS["pay"]) == ("blocked", 0)

    decide(run, Decision.APPROVED)

    assert (run.status, run.output_text, CALLS["pay"]) == ("completed", "paid it", 1)


def test_other_branches_go_on_while_a_call_waits_for_its_approval(chat: ChatServer) -> None:
    run = asked(chat, among("concurrent", "a", WRITER))
    assert (run.status, paths(run)) == ("blocked", ["a#1"])

    decide(run, Decision.APPROVED)

    assert (run.status, run.output_text, CALLS["a"]) == ("completed", "paid it", 1)


def test_an_answer_that_comes_while_other_branches_work_is_taken_up(chat: ChatServer) -> None:
    run = start(spec_of(chat, among("concurrent", "nap", WRITER)))
    chat.queue(tool_call("pay", '{"query": "x"}'), completion("paid it"))
    HOOKS["nap"] = approve_all
    advance(run)
    assert (run.status, run.output_text, CALLS["pay"]) == ("completed", "paid it", 1)


def approve_all() -> None:
    """Approve whatever is asked."""
    for task in HumanTask.objects.open():
        approve(task)


def approve(task: HumanTask) -> None:
    """Approve what is asked."""
    services.resume_run(task.pk, Answer(request_id=str(task.request_id), decision=Decision.APPROVED), actor="alice")


def test_a_new_attempt_of_a_step_asks_anew(chat: ChatServer, settings: Settings) -> None:
    settings.STEP_RETRY_BACKOFF_SECONDS = 0
    spec = spec_of(chat, sequence(WRITER | {"max_retries": 1}, "b"))
    spec["components"]["agents"]["writer"]["strategy"] = {"type": "react", "stop_on_tool_error": True}
    chat.otherwise = as_long_as_unpaid
    run = start(spec)
    advance(run)
    FAILING.add("pay")
    decide(run, Decision.APPROVED)
    FAILING.clear()
    advance(run)
    assert (run.status, CALLS["pay"], HumanTask.objects.filter(run=run).count()) == ("blocked", 0, 2)

    decide(run, Decision.APPROVED)

    assert (run.status, run.output_text, CALLS["pay"]) == ("completed", "paid it>b", 1)


def test_a_worker_that_dies_while_it_asks_or_takes_the_answer_loses_nothing(chat: ChatServer) -> None:
    for run in crashes(lambda: queued(chat), advance):
        recover()
        in_child(advance, run)
        run.refresh_from_db()
        assert run.status == "blocked"
        assert HumanTask.objects.filter(run=run).count() == 1
        in_child(decide, run, Decision.APPROVED)
        run.refresh_from_db()
        assert (run.status, run.output_text) == ("completed", "paid it>b")


def as_long_as_unpaid(body: Mapping[str, Any]) -> ChatAnswer:
    """Ask for the tool as long as nothing was heard of it."""
    has_heard = any(message["role"] == "tool" for message in body["messages"])
    return completion("paid it") if has_heard else tool_call("pay", '{"query": "x"}')


def queued(chat: ChatServer) -> Run:
    """Return a run whose model will ask for the tool as long as it has not heard of it."""
    chat.otherwise = as_long_as_unpaid
    return start(spec_of(chat))


def guarded(chat: ChatServer, stage: str, action: str, workflow: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a spec in which a guardrail lets a person decide about texts with the word "secret"."""
    spec = spec_of(chat, workflow, approval="never")
    rule = {"id": "words", "type": "keyword", "action": action, "config": {"keywords": ["secret"]}}
    who = spec["agent"] if stage == "workflow" else spec["components"]["agents"]["writer"]
    who["guardrails"] = {stage: [rule]}
    return spec


@pytest.mark.parametrize("action", ["human_review", "escalate"])
@pytest.mark.parametrize("stage", ["output", "workflow"])
def test_a_person_decides_what_a_guardrail_does_not_let_pass(chat: ChatServer, stage: str, action: str) -> None:
    chat.queue(completion("the secret plan"))
    run = start(guarded(chat, stage, action))
    advance(run)

    task = HumanTask.objects.get(run=run)
    assert (run.status, task.input_text) == ("blocked", "the secret plan")
    assert (task.escalated_at is not None) == (action == "escalate")
    decide(run, Decision.APPROVED)
    if stage == "workflow":  # the next step has the word in it too
        decide(run, Decision.APPROVED)

    assert (run.status, run.output_text, len(chat.requests)) == ("completed", "the secret plan>b", 1)


def test_a_person_may_say_it_otherwise(chat: ChatServer) -> None:
    chat.queue(completion("the secret plan"))
    run = start(guarded(chat, "output", "human_review"))
    advance(run)
    decide(run, Decision.EDITED, "the plan")
    assert (run.status, run.output_text) == ("completed", "the plan>b")


def test_what_a_person_does_not_let_pass_ends_the_run(chat: ChatServer) -> None:
    chat.queue(completion("the secret plan"))
    run = start(guarded(chat, "output", "human_review"))
    advance(run)
    decide(run, Decision.REJECTED)
    assert (run.status, run.error_type) == ("failed", "GuardrailViolation")


def test_a_function_is_not_called_again_when_a_person_is_asked_about_its_result(chat: ChatServer) -> None:
    run = start(guarded(chat, "workflow", "human_review", sequence("a", "b")), "secret")
    advance(run)
    assert (run.status, CALLS["a"]) == ("blocked", 1)

    decide(run, Decision.APPROVED)
    assert (run.status, CALLS["a"], CALLS["b"]) == ("blocked", 1, 1)
    decide(run, Decision.APPROVED)

    assert (run.status, run.output_text, CALLS["a"], CALLS["b"]) == ("completed", "secret>a>b", 1, 1)


def test_a_cancelled_question_of_a_step_is_asked_anew_after_a_fork_or_a_continue(chat: ChatServer) -> None:
    chat.otherwise = as_long_as_unpaid
    spec = spec_of(chat, among("concurrent", WRITER, human()))
    run = start(spec)
    advance(run)
    boss = HumanTask.objects.open().get(run=run, step_id="boss")
    rejected = Answer(request_id=str(boss.request_id), decision=Decision.REJECTED)
    services.resume_run(boss.pk, rejected, actor="alice")
    run.refresh_from_db()
    assert (run.status, HumanTask.objects.open().filter(run=run).count()) == ("failed", 0)

    continue_run(run.pk, actor="alice")
    advance(run)

    assert HumanTask.objects.open().filter(run=run).count() == 2
    for task in HumanTask.objects.open().filter(run=run):
        approve(task)
        advance(run)
    assert (run.status, CALLS["pay"]) == ("completed", 1)
    assert JournalEntry.objects.filter(run=run, key__startswith="person/", spent=False).count() == 1


def test_the_trace_begins_with_the_workflow_when_its_first_step_asks(chat: ChatServer) -> None:
    run = asked(chat)
    kinds = list(TraceEvent.objects.filter(run=run).order_by("number").values_list("type", flat=True))
    assert kinds == ["workflow_started", "human_intervention_requested"]
