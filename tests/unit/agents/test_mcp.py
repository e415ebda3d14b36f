"""Tools of MCP servers: real servers as child processes, over their pipes and over HTTP."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from runs.agents.answering import AgentReply
from runs.agents.diary import Diary, Happening
from runs.agents.errors import StepInterrupted
from runs.agents.interrupt import Interrupt
from runs.agents.loop import run_agent
from specs.language.agent_plan import McpServerPlan, ToolPlan
from specs.language.plan import Plan
from tests.stubs.chat_server import ChatServer, completion, tool_call, tool_calls
from tests.unit.agents.factories import agents, served_agent

ROOT = Path(__file__).parents[3]
STDIO = McpServerPlan(
    transport="stdio", command=sys.executable, args=("-m", "tests.stubs.mcp_server", "stdio"), cwd=str(ROOT)
)
ALLOWED: dict[str, Any] = {"mcp_commands": (sys.executable,)}
NAMES = ("greet", "fail", "environment", "meta", "slow", "die", "large", "mixed", "process", "refuse", "late", "ghost")


def plan_of(chat: ChatServer, server: McpServerPlan, **tool: Any) -> Plan:
    """Return a plan whose agent has every tool of the stub."""
    named = {"description": "d", "parameters": {"type": "object"}, "mcp_server": "stub"}
    tools = {name: ToolPlan(name=name, remote_name=name, **{**named, **tool}) for name in NAMES}
    agent = served_agent(chat.base_url, "react", tools=NAMES)
    return Plan(agent=agent, tools=tools, mcp_servers={"stub": server})


def ask(
    chat: ChatServer,
    *calls: tuple[str, dict[str, Any]],
    server: McpServerPlan = STDIO,
    diary: Diary | None = None,
    **settings: Any,
) -> AgentReply:
    """Let the model make these calls at once, and then answer."""
    chat.queue(tool_calls(*((name, json.dumps(arguments)) for name, arguments in calls)), completion("done"))
    plan = plan_of(chat, server)
    return run_agent(agents(plan, diary=diary, **{**ALLOWED, **settings}), plan.agent, "hello")


def heard(chat: ChatServer) -> list[str]:
    """Return what the model was told of its tools when it was asked last."""
    return [message["content"] for message in chat.requests[-1].body["messages"] if message["role"] == "tool"]


def refused(chat: ChatServer) -> str:
    """Return the error that the model heard of."""
    return str(json.loads(heard(chat)[0])["error"])


@pytest.fixture(scope="module", params=["streamable-http", "sse"])
def served(request: pytest.FixtureRequest) -> Iterator[McpServerPlan]:
    """Serve the stub over HTTP; what it says goes nowhere."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.stubs.mcp_server", request.param, str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        path = "mcp" if request.param == "streamable-http" else "sse"
        wait_until_served(f"http://127.0.0.1:{port}/")
        transport = "http" if request.param == "streamable-http" else "sse"
        yield McpServerPlan(transport=transport, url=f"http://127.0.0.1:{port}/{path}")
        process.kill()


def wait_until_served(url: str) -> None:
    """Wait until somebody answers at ``url``."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx2.get(url)
        except httpx2.TransportError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail("the stub does not answer")


def test_a_tool_of_a_started_server_is_called(chat: ChatServer) -> None:
    diary = Diary()
    reply = ask(chat, ("greet", {"name": "Ada"}), diary=diary)
    assert (reply.text, heard(chat)) == ("done", ["hello Ada"])
    kinds = [entry.type for entry in diary.entries if entry.about.get("tool_name") == "greet"]
    assert kinds == [Happening.TOOL_STARTED, Happening.TOOL_COMPLETED]


def test_a_tool_of_a_served_server_is_called(chat: ChatServer, served: McpServerPlan) -> None:
    ask(chat, ("greet", {"name": "Ada"}), server=served)
    assert heard(chat) == ["hello Ada"]


def test_several_calls_of_a_turn_share_one_session(chat: ChatServer) -> None:
    ask(chat, ("process", {}), ("process", {}), ("greet", {"name": "Ada"}))
    first, second, greeting = heard(chat)
    assert (first == second, greeting) == (True, "hello Ada")


def test_a_server_ends_with_the_step(chat: ChatServer) -> None:
    ask(chat, ("process", {}))
    number = int(heard(chat)[0])
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_started_server_knows_nothing_of_the_service(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNEO_SERV_SECRET_KEY", "hunter2")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    server = McpServerPlan(
        transport="stdio",
        command=sys.executable,
        args=STDIO.args,
        cwd=STDIO.cwd,
        env={"MODE": "ro"},
        env_refs={"TOKEN": "MCP_TOKEN"},
    )
    ask(chat, ("environment", {}), server=server, environ={"MCP_TOKEN": "t0k3n"}, secret_refs=("MCP_TOKEN",))

    known = json.loads(heard(chat)[0])
    assert (known["MODE"], known["TOKEN"]) == ("ro", "t0k3n")
    assert known.keys() <= {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "MODE", "TOKEN", "LC_CTYPE", "PWD"}


def test_secret_headers_and_the_key_of_the_call_reach_the_server(chat: ChatServer, served: McpServerPlan) -> None:
    server = McpServerPlan(
        transport=served.transport, url=served.url, headers={"X-Team": "a"}, header_refs={"Authorization": "MCP_TOKEN"}
    )
    secrets: dict[str, Any] = {"environ": {"MCP_TOKEN": "Bearer t0k3n"}, "secret_refs": ("MCP_TOKEN",)}
    ask(chat, ("meta", {}), server=server, **secrets)

    told = json.loads(heard(chat)[0])
    assert (told["headers"]["authorization"], told["headers"]["x-team"]) == ("Bearer t0k3n", "a")
    assert told["meta"]["io.kneo/idempotencyKey"].endswith("/1.1")


@pytest.mark.parametrize("allowed", [(), ("python",)])
def test_only_commands_that_the_operator_lists_are_started(chat: ChatServer, allowed: tuple[str, ...]) -> None:
    ask(chat, ("greet", {"name": "Ada"}), mcp_commands=allowed)
    assert "KNEO_SERV_MCP_COMMANDS" in refused(chat)


def test_a_secret_that_may_not_be_named_is_not_sent(chat: ChatServer, served: McpServerPlan) -> None:
    server = McpServerPlan(transport=served.transport, url=served.url, header_refs={"X": "DATABASE_URL"})
    ask(chat, ("greet", {"name": "Ada"}), server=server, environ={"DATABASE_URL": "postgres://"})
    assert "KNEO_SERV_SECRET_REFS" in refused(chat)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://user:word@127.0.0.1/", "nowhere", "http://"]
)
def test_an_address_that_is_none_is_refused(chat: ChatServer, url: str) -> None:
    ask(chat, ("greet", {"name": "Ada"}), server=McpServerPlan(transport="http", url=url))
    assert "http or https URL" in refused(chat)


def test_a_tool_that_fails_is_heard_of_as_an_error(chat: ChatServer) -> None:
    ask(chat, ("fail", {"why": "no such folder"}))
    assert "no such folder" in refused(chat)


def test_an_unknown_tool_and_wrong_arguments_are_errors(chat: ChatServer) -> None:
    ask(chat, ("ghost", {}), ("greet", {"wrong": 1}))
    ghost, greet = [json.loads(text)["error"] for text in heard(chat)]
    assert "ghost" in ghost
    assert "name" in greet


@pytest.mark.parametrize("code", [-32601, -32602, -32603, -32042])
def test_a_call_that_the_server_refuses_disturbs_no_other_call(chat: ChatServer, code: int) -> None:
    ask(chat, ("refuse", {"code": code}), ("late", {}))
    refused, late = heard(chat)
    assert "not like this" in json.loads(refused)["error"]
    assert "after all" in late


def test_a_call_that_the_server_refuses_is_not_repeated(chat: ChatServer) -> None:
    ask(chat, ("refuse", {"code": -32602}), ("process", {}), ("late", {}), mcp_retries=2)
    _, process, late = heard(chat)
    assert late.endswith(f" {process}")


def test_of_other_content_the_model_hears_only_what_it_is(chat: ChatServer) -> None:
    ask(chat, ("mixed", {}))
    assert heard(chat) == ["one\ntwo\n[image]"]


def test_a_long_answer_is_cut_and_one_that_is_too_long_is_an_error(chat: ChatServer) -> None:
    ask(chat, ("large", {"count": 2_000_000}))
    assert heard(chat)[0].endswith("[truncated 1000000 characters]")

    server = McpServerPlan(
        transport="stdio", command=STDIO.command, args=STDIO.args, cwd=STDIO.cwd, max_response_bytes=1000
    )
    ask(chat, ("large", {"count": 2000}), server=server)
    assert "more than 1000 bytes" in refused(chat)


def test_a_slow_tool_is_not_waited_for_beyond_its_timeout(chat: ChatServer) -> None:
    began = time.monotonic()
    ask(chat, ("slow", {}), mcp_timeout_seconds=0.5)
    assert "within 0.5 seconds" in refused(chat)
    assert time.monotonic() - began < 15


def test_a_server_that_dies_in_the_middle_of_a_call_is_an_error_and_the_next_call_starts_another(
    chat: ChatServer,
) -> None:
    chat.queue(tool_call("die", "{}"), tool_call("greet", '{"name": "Ada"}'), completion("done"))
    plan = plan_of(chat, STDIO)
    reply = run_agent(agents(plan, **ALLOWED), plan.agent, "hello")
    died, greeting = heard(chat)
    assert "stub" in json.loads(died)["error"]
    assert (greeting, reply.text) == ("hello Ada", "done")


def test_a_server_that_cannot_be_started_is_an_error(chat: ChatServer) -> None:
    server = McpServerPlan(transport="stdio", command="/nowhere/mcp")
    ask(chat, ("greet", {"name": "Ada"}), server=server, mcp_commands=("/nowhere/mcp",))
    assert "'stub'" in refused(chat)
    assert "/nowhere" not in refused(chat)


def test_a_server_that_nobody_serves_is_asked_again_as_often_as_the_operator_says(chat: ChatServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    ask(
        chat,
        ("greet", {"name": "Ada"}),
        server=McpServerPlan(transport="http", url=f"http://127.0.0.1:{port}/mcp"),
        mcp_retries=2,
        mcp_connect_timeout_seconds=5.0,
    )
    assert "'stub'" in refused(chat)


def trip_once_asked(chat: ChatServer, interrupt: Interrupt) -> None:
    """Trip ``interrupt`` once the model has answered."""
    while not chat.requests:
        threading.Event().wait(0.05)
    interrupt.trip("cancelled")


def test_an_interrupt_ends_the_call_and_its_server(chat: ChatServer) -> None:
    interrupt = Interrupt()
    chat.queue(tool_calls(("slow", "{}")))
    plan = plan_of(chat, STDIO)
    threading.Thread(target=trip_once_asked, args=(chat, interrupt), daemon=True).start()
    began = time.monotonic()
    with pytest.raises(StepInterrupted):
        run_agent(agents(plan, interrupt=interrupt, **ALLOWED), plan.agent, "hello")
    assert time.monotonic() - began < 15
