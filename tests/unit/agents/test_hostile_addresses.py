"""A thousand ways in which a model, or a service, might be talked into leading an ``http`` tool to the inside."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from runs.agents.errors import HttpToolFailed, ToolMiddlewareViolation
from runs.agents.tools.http_calls import HttpCall
from specs.language.agent_plan import HttpToolPlan
from tests.stubs.web_server import Page, WebServer, moved
from tests.unit.agents.factories import agent_plan, agent_settings

SCHEMES = ("http://", "HTTP://", "http:", "http:/", "http:///", "//", "\\\\", "http:\\\\", " http://", "https://")
HOSTS = (
    "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST.",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0", "0.0.0.0", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1", "evil.example", "docs.example.evil.example",
    "evil-docs.example", "docs.example@127.0.0.1", "docs.example:80@127.0.0.1", "docs.example%40127.0.0.1",
    "docs.example\\@127.0.0.1", "docs.example\t@127.0.0.1", "127.0.0.1%2f@docs.example", "d\u043ecs.example",
    "docs.example", "api.docs.example", "127.0.0.1%00.docs.example", "127.0.0.1\u2044docs.example",
)  # fmt: skip
PATHS = ("/there", "/there?x=docs.example", "/there#@docs.example", "/%2e%2e/there")


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """Serve on the loopback address, to which every name leads, those of the allowed domain as well."""
    real = socket.getaddrinfo

    def look_up(host: str | bytes, *args: Any, **kwargs: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        is_name = any(letter in name for letter in "ghijklmnopqrstuvwxyz")
        return real("127.0.0.1" if is_name else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with WebServer() as server:
        yield server


def addresses(port: int) -> list[str]:
    """Return the ways to write an address of the inside on ``port``."""
    return [f"{scheme}{host}:{port}{path}" for scheme, host, path in product(SCHEMES, HOSTS, PATHS)]


async def outcomes(plan: HttpToolPlan, arguments: list[dict[str, str]], private: tuple[str, ...]) -> Counter[str]:
    """Return how calls with ``arguments`` ended, by what kept them from being made."""
    counted: Counter[str] = Counter()
    settings = agent_settings(http_private_hosts=private)
    for each in arguments:
        try:
            await HttpCall(tool=plan, agent=agent_plan(), settings=settings, key="k").answer(each)
        except ToolMiddlewareViolation:
            counted["denied"] += 1
        except HttpToolFailed as error:
            counted["tried" if "reached" in str(error) else "no address"] += 1
        else:
            counted["answered"] += 1
    return counted


def test_no_address_that_a_model_writes_leads_inside(web: WebServer) -> None:
    arguments = [{"url": address} for address in addresses(web.port)]
    assert len(arguments) > 1000
    plan = HttpToolPlan(method="GET", url="{url}", allowed_domains=("docs.example",))
    ended = asyncio.run(outcomes(plan, arguments, private=()))

    assert web.asked == []
    assert ended.keys() == {"denied", "no address"}
    assert ended.total() == len(arguments)


def test_no_redirect_leads_inside(web: WebServer) -> None:
    forms = [address.encode("latin-1", "ignore").decode("latin-1") for address in addresses(web.port)][::3]
    inside = iter(forms)
    web.answer = lambda asked: moved(next(inside)) if asked.path == "/start" else Page(body=b"inside")
    plan = HttpToolPlan(method="GET", url=web.url("/start", "outside.example"), allowed_domains=("docs.example",))
    ended = asyncio.run(outcomes(plan, [{} for _ in forms], private=("outside.example",)))

    assert {asked.path for asked in web.asked if asked.headers["host"] != f"outside.example:{web.port}"} == set()
    assert ended.total() == len(forms)
    assert ended["denied"] > 150
