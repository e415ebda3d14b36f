"""Tools that make a request: what is sent, what the model hears, and where they never go."""

import json
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from kneo_project.net.addresses import is_public
from runs.agents.answering import AgentReply
from runs.agents.diary import Diary, Happening
from runs.agents.errors import ToolMiddlewareViolation
from runs.agents.loop import run_agent
from specs.language.agent_plan import HttpToolPlan, ToolPlan
from specs.language.plan import Plan
from tests.stubs.chat_server import ChatServer, completion, tool_call
from tests.stubs.web_server import Asked, Page, WebServer, moved
from tests.unit.agents.factories import agents, served_agent

SECRET = "s3cret-of-the-weather-service"


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture
def lookups() -> list[str]:
    """What was looked up."""
    return []


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch, lookups: list[str]) -> dict[str, list[str]]:
    """Names that lead to the addresses that a test gives them, as a server of names would say."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        lookups.append(host)
        return [entry for address in known.get(host, [host]) for entry in real(address, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def called(
    chat: ChatServer,
    web: WebServer,
    arguments: dict[str, Any] | None = None,
    *,
    private: tuple[str, ...] = ("127.0.0.1",),
    diary: Diary | None = None,
    agent: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    **tool: Any,
) -> AgentReply:
    """Return the reply of an agent whose model calls the tool once with ``arguments``."""
    call = tool_call("fetch", json.dumps(arguments or {}))
    chat.otherwise = lambda body: completion("done") if body["messages"][-1]["role"] == "tool" else call
    plan = HttpToolPlan(**{"method": "GET", "url": web.url("/x"), **tool})
    fetch = ToolPlan(name="fetch", description="d", parameters={"type": "object"}, http=plan)
    root = served_agent(chat.base_url, "react", tools=("fetch",), **(agent or {}))
    chosen = agents(
        Plan(agent=root, tools={"fetch": fetch}),
        diary=diary,
        http_private_hosts=private,
        environ=environ or {"WEATHER": SECRET},
        secret_refs=("WEATHER",),
    )
    return run_agent(chosen, root, "hello")


def heard(chat: ChatServer) -> str:
    """What the model was told of its tool."""
    [told] = [message["content"] for message in chat.requests[-1].body["messages"] if message["role"] == "tool"]
    return str(told)


def test_arguments_reach_the_address_the_query_and_the_rest_the_body(chat: ChatServer, web: WebServer) -> None:
    arguments = {"city": "New York/1", "unit": "a&b", "note": {"deep": [1]}, "loud": True}
    called(
        chat,
        web,
        arguments,
        method="POST",
        url=web.url("/cities/{city}?v=1"),
        query={"unit": "{unit}", "fixed": "x y"},
        headers={"X-Team": "weather"},
        header_refs={"Authorization": "WEATHER"},
    )
    [asked] = web.asked
    assert (asked.method, asked.path) == ("POST", "/cities/New%20York%2F1?v=1&unit=a%26b&fixed=x+y")
    assert json.loads(asked.body) == {"note": {"deep": [1]}, "loud": True}
    assert (asked.headers["x-team"], asked.headers["authorization"]) == ("weather", SECRET)
    assert asked.headers["host"] == f"127.0.0.1:{web.port}"
    assert asked.headers["idempotency-key"] == "run-1/draft/1/answer/1/1.1"
    assert heard(chat) == "ok"


def test_a_request_that_changes_nothing_has_no_body_and_no_key(chat: ChatServer, web: WebServer) -> None:
    called(chat, web, {"more": 1})
    [asked] = web.asked
    assert (asked.method, asked.body, "idempotency-key" in asked.headers) == ("GET", b"", False)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Page(body=b'{"t": 20}', headers={"Content-Type": "application/json"}), '{"t": 20}'),
        (Page(body="grün".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"}), "grün"),
        (Page(body=b"\x89PNG", headers={"Content-Type": "image/png"}), "[image/png, 4 bytes]"),
        (Page(body=b""), ""),
    ],
)
def test_the_model_hears_texts_and_of_the_rest_what_it_is(
    chat: ChatServer, web: WebServer, page: Page, told: str
) -> None:
    web.answer = lambda _: page
    called(chat, web)
    assert heard(chat) == told


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Page(status=404, body=b"no such city"), "answered 404 Not Found: no such city"),
        (Page(status=500, body=b""), "answered 500 Internal Server Error."),
        (Page(body=b"x" * 101), "more than 100 bytes"),
    ],
)
def test_a_service_that_refuses_is_heard_of_as_an_error(
    chat: ChatServer, web: WebServer, page: Page, told: str
) -> None:
    web.answer = lambda _: page
    diary = Diary()
    called(chat, web, diary=diary, max_response_bytes=100)
    assert told in json.loads(heard(chat))["error"]
    assert [entry.type for entry in diary.entries if entry.about.get("tool_name")] == [
        Happening.TOOL_STARTED,
        Happening.TOOL_FAILED,
    ]


def test_a_service_that_is_not_there_or_slow_is_an_error(chat: ChatServer, web: WebServer) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        called(chat, web, url=f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_seconds=0.2)
        assert "did not answer within 0.2 seconds" in heard(chat)
    called(chat, web, url="http://127.0.0.1:1/")
    assert "could not be reached" in heard(chat)


@pytest.mark.parametrize("city", ["..", "", None, ["x"]])
def test_an_argument_that_has_no_place_in_the_address_is_told_to_the_model(
    chat: ChatServer, web: WebServer, city: object
) -> None:
    called(chat, web, {"city": city}, url=web.url("/cities/{city}"))
    assert "argument" in json.loads(heard(chat))["error"].lower()
    assert web.asked == []


def test_a_secret_that_may_not_be_named_is_not_sent(chat: ChatServer, web: WebServer) -> None:
    called(chat, web, header_refs={"X-Key": "DATABASE_URL"}, environ={"DATABASE_URL": "postgres://"})
    assert "KNEO_SERV_SECRET_REFS" in heard(chat)
    assert web.asked == []


def denied(chat: ChatServer, web: WebServer, arguments: dict[str, Any] | None = None, **options: Any) -> str:
    """Return why the call was denied, which ends the agent's turn and is told."""
    diary = Diary()
    with pytest.raises(ToolMiddlewareViolation) as violation:
        called(chat, web, arguments, diary=diary, **options)
    told = [entry for entry in diary.entries if entry.type is Happening.TOOL_DENIED]
    assert [entry.error for entry in told] == [str(violation.value)]
    return str(violation.value)


def test_private_addresses_are_not_reached_unless_the_operator_says_so(chat: ChatServer, web: WebServer) -> None:
    assert "may not reach" in denied(chat, web, private=())
    assert "may not reach" in denied(chat, web, private=("127.0.0.2", "localhost"))
    assert web.asked == []
    called(chat, web, private=(f"127.0.0.1:{web.port}",))
    assert len(web.asked) == 1


def test_a_name_that_leads_to_a_private_address_is_not_followed(
    chat: ChatServer, web: WebServer, names: dict[str, list[str]]
) -> None:
    for name, addresses in (("rebound.example", ["127.0.0.1"]), ("mixed.example", ["93.184.215.14", "127.0.0.1"])):
        names[name] = addresses
        assert "at an address that tools may not reach" in denied(chat, web, url=web.url(host=name), private=())
    assert web.asked == []


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_that_is_asked(
    chat: ChatServer, web: WebServer, names: dict[str, list[str]], lookups: list[str]
) -> None:
    names["once.example"] = ["127.0.0.1"]
    called(chat, web, url=web.url(host="once.example"), private=("once.example",))
    assert lookups.count("once.example") == 1
    assert lookups.count("127.0.0.1") <= 1  # an address is not a name: nothing can answer otherwise
    assert web.asked[0].headers["host"] == f"once.example:{web.port}"


def redirecting(to: str, status: int = 302) -> Callable[[Asked], Page]:
    """Return the answers of a server whose first page leads to another."""
    return lambda asked: Page(body=b"there") if asked.path == "/there" else moved(to, status)


def test_redirects_are_followed_within_the_host_and_the_allowed_domains(
    chat: ChatServer, web: WebServer, names: dict[str, list[str]]
) -> None:
    names |= {"a.example": ["127.0.0.1"], "b.example": ["127.0.0.1"]}
    own = ("a.example", "b.example")
    web.answer = redirecting("/there")
    called(chat, web, url=web.url(host="a.example"), private=own)
    assert heard(chat) == "there"

    web.answer = redirecting(web.url("/there", "b.example"))
    refs = {"X-Key": "WEATHER"}
    called(chat, web, url=web.url(host="a.example"), private=own, allowed_domains=("b.example",), header_refs=refs)
    assert heard(chat) == "there"
    assert [asked.headers.get("x-key") for asked in web.asked[-2:]] == [SECRET, None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_to_another_host_is_not_followed(
    chat: ChatServer, web: WebServer, names: dict[str, list[str]], status: int, method: str
) -> None:
    names["evil.example"] = ["127.0.0.1"]
    web.answer = redirecting(web.url("/there", "evil.example"), status)
    assert "'evil.example'" in denied(chat, web, private=("127.0.0.1", "evil.example"), method=method)
    assert [asked.path for asked in web.asked] == ["/x"]


def test_a_redirect_to_a_private_address_is_not_followed(
    chat: ChatServer, web: WebServer, names: dict[str, list[str]]
) -> None:
    names["inside.example"] = ["127.0.0.1"]
    web.answer = redirecting(web.url("/there", "inside.example"))
    assert "tools may not reach" in denied(chat, web, allowed_domains=("inside.example",))


def test_a_service_that_redirects_without_end_is_an_error(chat: ChatServer, web: WebServer) -> None:
    web.answer = lambda _: moved("/x")
    called(chat, web)
    assert "redirects without end" in heard(chat)


def test_the_domains_of_the_agent_count_too(chat: ChatServer, web: WebServer) -> None:
    assert "'127.0.0.1'" in denied(chat, web, agent={"allowed_domains": ("example.com",)})
    assert "'127.0.0.1'" in denied(chat, web, agent={"denied_domains": ("127.0.0.1",)})


def test_an_address_that_is_an_argument_lies_within_the_allowed_domains(
    chat: ChatServer, web: WebServer, names: dict[str, list[str]]
) -> None:
    names |= {"docs.example": ["127.0.0.1"], "evil.example": ["127.0.0.1"]}
    options: dict[str, Any] = {"url": "{url}", "allowed_domains": ("docs.example",)}
    options["private"] = ("docs.example", "evil.example")
    called(chat, web, {"url": web.url("/page", "docs.example")}, **options)
    assert heard(chat) == "ok"
    assert "'evil.example'" in denied(chat, web, {"url": web.url("/page", "evil.example")}, **options)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "::7f00:1", "2001:0:7f00:1::80ff:fffe",
    ],
)  # fmt: skip
def test_what_is_not_the_public_network(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_what_is_the_public_network(address: str) -> None:
    assert is_public(ip_address(address))
