"""How many requests a minute: of each principal, of each stranger, and what if nobody can count."""

import uuid

import pytest
from django.test import Client
from limits import RateLimitItemPerMinute
from pytest_django import Settings

from kneo_project.rates import Counts
from tests import services
from tests.loglines import captured

pytestmark = pytest.mark.urls("tests.api.base_urls")
WHO = "/v1/runs/7/who"


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.API_KEYS = "op:k-1:viewer;ci:k-2:viewer;nobody:k-3:"
    # An address of its own is a storage of its own.
    settings.RATE_LIMIT_STORAGE = f"memory://{uuid.uuid4()}"


def ask(
    key: str | None = None, path: str = WHO, peer: str = "192.0.2.1"
) -> tuple[int, dict[str, str], dict[str, object]]:
    """Return status, headers and detail of the answer to a request of ``peer``."""
    answer = Client(headers={} if key is None else {"X-Kneo-Api-Key": key}).get(path, REMOTE_ADDR=peer)
    return answer.status_code, dict(answer.headers), answer.json().get("detail", {})


def statuses(count: int, key: str | None = None, path: str = WHO, peer: str = "192.0.2.1") -> list[int]:
    """Return the statuses of the answers to that many requests."""
    return [ask(key, path, peer)[0] for _ in range(count)]


def test_by_default_nobody_is_counted() -> None:
    assert statuses(5, "k-1") == [200] * 5
    assert not [name for name in ask("k-1")[1] if name.startswith("RateLimit")]


def test_a_principal_is_told_when_to_come_back(settings: Settings) -> None:
    settings.RATE_LIMIT = 2
    assert statuses(2, "k-1") == [200, 200]
    status, headers, detail = ask("k-1")
    assert (status, detail["error"], detail["limit"]) == (429, "rate_limited", 2)
    assert 1 <= int(headers["Retry-After"]) <= 60
    assert ask("k-2")[0] == 200


def test_answers_say_how_much_is_left(settings: Settings) -> None:
    settings.RATE_LIMIT = 2
    told = [ask("k-1")[1] for _ in range(3)]
    assert [each["RateLimit-Limit"] for each in told] == ["2"] * 3
    assert [each["RateLimit-Remaining"] for each in told] == ["1", "0", "0"]
    assert all(1 <= int(each["RateLimit-Reset"]) <= 60 for each in told)


def test_routes_count_together_and_refusals_for_a_missing_scope_count_too(settings: Settings) -> None:
    settings.RATE_LIMIT = 3
    assert statuses(2, "k-3") + statuses(2, "k-3", "/runs/7/who") == [403, 403, 403, 429]


def test_probes_and_metrics_are_never_limited(settings: Settings) -> None:
    settings.RATE_LIMIT = settings.RATE_LIMIT_ANONYMOUS = 1
    assert statuses(3, "k-1") == [200, 429, 429]
    for path in ("/v1/livez", "/healthz"):
        assert statuses(3, "k-1", path) + statuses(3, None, path) == [200] * 6
    assert {Client().get("/metrics").status_code for _ in range(3)} == {200}


def test_strangers_are_counted_by_their_address(settings: Settings) -> None:
    settings.RATE_LIMIT_ANONYMOUS = 2
    assert statuses(1) + statuses(1, "wrong") + statuses(1) + statuses(1, "wronger") == [401, 401, 429, 429]
    assert ask(peer="192.0.2.2")[0] == 401
    assert ask("k-1")[0] == 200


def test_an_ipv6_network_is_one_stranger(settings: Settings) -> None:
    settings.RATE_LIMIT_ANONYMOUS = 1
    peers = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "::ffff:192.0.2.7", "::ffff:192.0.2.8")
    assert [ask(peer=peer)[0] for peer in peers] == [401, 429, 401, 401, 401]


def test_without_keys_everybody_is_counted_by_address(settings: Settings, db: None) -> None:
    settings.API_KEYS, settings.RATE_LIMIT = "", 1
    assert [ask(peer=peer)[0] for peer in ("192.0.2.1", "192.0.2.1", "192.0.2.2")] == [200, 429, 200]


def test_a_storage_that_is_away_refuses_nobody_and_says_so_once(settings: Settings) -> None:
    settings.RATE_LIMIT, settings.RATE_LIMIT_STORAGE = 1, "redis://127.0.0.1:1/0"
    with captured() as lines:
        assert statuses(3, "k-1") == [200] * 3
    events = [line["event"] for line in lines.of("kneo_serv.service")]
    assert events.count("rate_limit_storage_unavailable") == 1


@pytest.mark.redis
def test_processes_that_share_a_storage_count_together(settings: Settings) -> None:
    name = str(uuid.uuid4())
    settings.API_KEYS, settings.RATE_LIMIT = f"{name}:k-1:viewer", 2
    settings.RATE_LIMIT_STORAGE = services.REDIS.url
    other_process = Counts(services.REDIS.url)
    other_process.hit(RateLimitItemPerMinute(2), "principal", name)
    assert statuses(2, "k-1") == [200, 429]
