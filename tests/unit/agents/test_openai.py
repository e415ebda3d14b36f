import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from runs.agents.answering import AgentReply
from runs.agents.errors import (
    AgentError,
    HostNotAllowed,
    MissingSecret,
    ProviderError,
    ProviderTimeout,
    SecretNotAllowed,
    StepInterrupted,
)
from runs.agents.interrupt import Interrupt
from runs.agents.loop import run_agent
from runs.agents.models.usage import Usage
from specs.language.agent_plan import AgentPlan
from tests.stubs.chat_server import Answer, ChatServer, completion, failure
from tests.unit.agents.factories import KEY, agent_settings, agents, served_agent

WITH_KEY = agent_settings({"OPENAI_API_KEY": KEY})
REFERENCE = {"api_key_ref": "OPENAI_API_KEY"}
TIMES_OUT = Answer(after_seconds=None)


def ask(agent: AgentPlan, *, interrupt: Interrupt | None = None, **settings: Any) -> AgentReply:
    chosen = agents(interrupt=interrupt, environ={"OPENAI_API_KEY": KEY}, **settings)
    return run_agent(chosen, agent, "hello")


def test_roles_reach_the_wire_as_they_are(chat: ChatServer) -> None:
    ask(served_agent(chat.base_url))
    assert chat.requests[0].path == "/v1/chat/completions"
    assert chat.requests[0].body == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
    }


def test_parameters_that_are_set_reach_the_wire(chat: ChatServer) -> None:
    ask(served_agent(chat.base_url, temperature=0.0, max_tokens=32, extra={"top_p": 0.9, "stream": "no", "model": "x"}))
    sent = chat.requests[0].body
    assert {name: sent[name] for name in sent if name != "messages"} == {
        "model": "small",
        "temperature": 0.0,
        "max_tokens": 32,
        "top_p": 0.9,
    }


def test_the_reply_says_what_was_answered_by_whom_and_for_how_much(chat: ChatServer) -> None:
    reply = ask(served_agent(chat.base_url))
    assert (reply.text, reply.provider, reply.model) == ("echo: hello", "openai", "small")
    assert (reply.runtime_mode, reply.runtime_name) == ("native", "simple@openai")
    assert reply.usage == Usage(input_tokens=11, output_tokens=7, total_tokens=18)


@pytest.mark.parametrize(
    ("extra", "authorization"),
    [
        ({}, None),
        (REFERENCE, f"Bearer {KEY}"),
        ({"api_key": "literal"}, "Bearer literal"),
        ({"api_key": "literal", **REFERENCE}, f"Bearer {KEY}"),
    ],
)
def test_a_key_is_sent_only_to_a_server_for_which_the_spec_names_it(
    chat: ChatServer, extra: dict[str, str], authorization: str | None
) -> None:
    ask(served_agent(chat.base_url, extra=extra))
    assert chat.requests[0].authorization == authorization


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_failure_that_may_pass_is_tried_again(chat: ChatServer, status: int) -> None:
    chat.queue(failure(status), failure(status))
    assert ask(served_agent(chat.base_url), retries=2).text == "echo: hello"
    assert len(chat.requests) == 3


def test_retries_are_bounded(chat: ChatServer) -> None:
    chat.queue(*[failure(503)] * 5)
    with pytest.raises(ProviderError, match="answered 503") as refusal:
        ask(served_agent(chat.base_url), retries=2)
    assert (refusal.value.status, refusal.value.retriable) == (503, True)
    assert len(chat.requests) == 3


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422])
def test_a_refusal_is_not_tried_again(chat: ChatServer, status: int) -> None:
    chat.queue(failure(status))
    with pytest.raises(ProviderError) as refusal:
        ask(served_agent(chat.base_url), retries=3)
    assert (refusal.value.status, refusal.value.retriable) == (status, False)
    assert len(chat.requests) == 1


def test_retry_after_is_honoured(chat: ChatServer) -> None:
    chat.queue(failure(429, Retry_After="0.3"))
    ask(served_agent(chat.base_url), retries=1)
    first, second = chat.requests
    assert second.at_seconds - first.at_seconds >= 0.3


def test_a_server_that_is_not_there_is_tried_again_and_named(chat: ChatServer) -> None:
    with ChatServer() as gone:
        address = gone.base_url
    with pytest.raises(ProviderError, match=f"{address}/chat/completions could not be reached") as refusal:
        ask(served_agent(address), retries=1)
    assert (refusal.value.status, refusal.value.retriable) == (None, True)


def test_a_timeout_closes_the_socket(chat: ChatServer) -> None:
    chat.queue(TIMES_OUT)
    with pytest.raises(ProviderTimeout, match=r"did not answer within 0\.1 seconds"):
        ask(served_agent(chat.base_url), timeout_seconds=0.1)
    assert chat.hung_up.wait(5)


def test_a_timeout_is_not_tried_again_if_the_operator_says_so(chat: ChatServer) -> None:
    chat.queue(TIMES_OUT)
    with pytest.raises(ProviderTimeout):
        ask(served_agent(chat.base_url), retries=3, timeout_seconds=0.2, retry_on_timeout=False)
    assert len(chat.requests) == 1


def test_a_timeout_is_tried_again(chat: ChatServer) -> None:
    chat.queue(TIMES_OUT)
    assert ask(served_agent(chat.base_url, timeout_seconds=0.1), retries=1).text == "echo: hello"


def test_the_timeout_of_the_spec_wins_over_that_of_the_operator(chat: ChatServer) -> None:
    chat.queue(completion("late", after_seconds=0.2))
    assert ask(served_agent(chat.base_url, timeout_seconds=20), timeout_seconds=0.05).text == "late"


def interrupted_while(ready: threading.Event, agent: AgentPlan, **settings: float) -> float:
    """Interrupt ``agent`` once ``ready``; return the seconds it took to stop."""
    interrupt, tripped_at = Interrupt(), [0.0]

    def trip() -> None:
        ready.wait(10)
        tripped_at[0] = time.monotonic()
        interrupt.trip("cancelled by a test")

    threading.Thread(target=trip).start()
    with pytest.raises(StepInterrupted, match="cancelled by a test"):
        ask(agent, interrupt=interrupt, **settings)
    return time.monotonic() - tripped_at[0]


def test_an_interrupt_ends_a_call_at_once_and_closes_the_socket(chat: ChatServer) -> None:
    chat.queue(TIMES_OUT)
    assert interrupted_while(chat.waiting, served_agent(chat.base_url)) < 0.5
    assert chat.hung_up.wait(5)


def test_an_interrupt_ends_the_wait_between_two_attempts_at_once(chat: ChatServer) -> None:
    asked = threading.Event()

    def refuse(_body: object) -> Answer:
        asked.set()
        return failure(503)

    chat.otherwise = refuse
    assert interrupted_while(asked, served_agent(chat.base_url), retries=1, backoff_seconds=60.0) < 0.5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"id": "1"}]}}]}',
    ],
)
def test_a_malformed_answer_is_a_provider_error_and_is_not_paid_for_twice(chat: ChatServer, body: bytes) -> None:
    chat.queue(Answer(body=body))
    with pytest.raises(ProviderError, match="not a chat completion") as refusal:
        ask(served_agent(chat.base_url), retries=3)
    assert not refusal.value.retriable
    assert len(chat.requests) == 1


def test_an_answer_is_not_read_without_end(chat: ChatServer) -> None:
    chat.queue(Answer(body=b" " * (16 * 1024 * 1024 + 1)))
    with pytest.raises(ProviderError, match="sent more than"):
        ask(served_agent(chat.base_url))


@pytest.mark.parametrize("usage", [None, {}, [], {"total_tokens": "many"}])
def test_an_answer_without_usable_usage_has_none(chat: ChatServer, usage: object) -> None:
    chat.queue(completion("hi", usage=usage))
    assert ask(served_agent(chat.base_url)).usage is None


def test_an_extra_parameter_that_is_no_json_is_refused_by_name(chat: ChatServer) -> None:
    with pytest.raises(ProviderError, match=r"model\.extra"):
        ask(served_agent(chat.base_url, extra={"seed": float("nan")}))
    assert chat.requests == []


@pytest.mark.parametrize(
    "said",
    [f"Incorrect API key provided: {KEY}", "Incorrect API key provided: sk-test-0123***cdef", f"Bearer {KEY} is bad"],
)
def test_a_refusal_is_explained_without_the_key(chat: ChatServer, said: str) -> None:
    chat.queue(failure(401, said))
    with pytest.raises(AgentError, match=r"\[REDACTED\]") as refusal:
        ask(served_agent(chat.base_url, extra=REFERENCE))
    assert KEY[:12] not in str(refusal.value)


def test_a_refusal_is_not_repeated_at_full_length(chat: ChatServer) -> None:
    chat.queue(failure(400, "x" * 10_000))
    with pytest.raises(ProviderError) as refusal:
        ask(served_agent(chat.base_url))
    assert len(str(refusal.value)) == 500


def test_a_query_of_the_base_url_is_sent_but_never_shown(chat: ChatServer) -> None:
    chat.queue(failure(400))
    with pytest.raises(ProviderError) as refusal:
        ask(served_agent(f"{chat.base_url}/?key={KEY}"))
    assert httpx2.URL(chat.requests[0].path).path == "/v1/chat/completions"
    assert KEY in chat.requests[0].path
    assert KEY not in str(refusal.value)


def test_an_answer_that_breaks_off_is_asked_for_again(chat: ChatServer) -> None:
    chat.queue(completion("half of it", is_cut_short=True), completion("all of it"))
    assert ask(served_agent(chat.base_url), retries=1, backoff_seconds=0.0).text == "all of it"

    chat.queue(completion("half of it", is_cut_short=True))
    with pytest.raises(ProviderError, match="could not be reached") as broken:
        ask(served_agent(chat.base_url), retries=0)
    assert broken.value.retriable


@pytest.mark.parametrize(("hosts", "is_asked"), [((), True), (("127.0.0.1",), True), (("openai.com",), False)])
def test_models_are_asked_on_allowed_hosts_only(chat: ChatServer, hosts: tuple[str, ...], is_asked: bool) -> None:
    agent = served_agent(chat.base_url)
    if is_asked:
        assert ask(agent, model_hosts=hosts).text == "echo: hello"
    else:
        with pytest.raises(HostNotAllowed, match="KNEO_SERV_MODEL_HOSTS"):
            ask(agent, model_hosts=hosts)
    assert len(chat.requests) == is_asked


def test_an_operator_may_forbid_keys_in_specs(chat: ChatServer) -> None:
    agent = served_agent(chat.base_url, extra={"api_key": "sk-literal-0123456789"})
    with pytest.raises(SecretNotAllowed, match="api_key_ref") as refused:
        ask(agent, allows_literal_keys=False)
    assert "literal-" not in str(refused.value)
    assert ask(served_agent(chat.base_url, extra=REFERENCE), allows_literal_keys=False).text == "echo: hello"


def test_a_key_may_come_from_a_file_which_is_read_each_time(chat: ChatServer, tmp_path: Path) -> None:
    file = tmp_path / "key"
    agent = served_agent(chat.base_url, extra=REFERENCE)
    for key in ("sk-file-0123456789", "sk-file-9876543210"):
        file.write_text(f"{key}\n")
        run_agent(agents(environ={"OPENAI_API_KEY_FILE": str(file)}), agent, "hello")
        assert chat.requests[-1].authorization == f"Bearer {key}"

    file.unlink()
    with pytest.raises(MissingSecret):
        run_agent(agents(environ={"OPENAI_API_KEY_FILE": str(file)}), agent, "hello")
