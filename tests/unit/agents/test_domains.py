"""Which hosts the arguments of a tool would reach."""

from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.agents.tools.domains import hosts_in, refused_host

SCHEMES = ("http://", "HTTPS://", "https:\\\\", "http:/", "ftp://", "//", "\\\\", "https:", "wss://", "custom+x://")
PLACES = (
    "evil.example",
    "EVIL.example.",
    "api.evil.example",
    "user:pw@evil.example",
    "evil.example:8080",
    "\uff45vil.example",
)
AROUND = ("{}", "see {} now", "({}/path)", '{{"url": "{}/x"}}', "a,{}?q=1", "\n{}#top", "<a href='{}'>")
SMUGGLED = [template.format(scheme + place) for template, scheme, place in product(AROUND, SCHEMES, PLACES)]
CIRCLED = "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460"
NUMBERS = (
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "0x7f000001",
    "127.1",
    "[::1]",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
)
DECODED = [quote(each, safe="") for each in SMUGGLED] + [quote(quote(each, safe=""), safe="") for each in SMUGGLED]


def test_there_are_many_ways_to_write_an_address() -> None:
    assert len(SMUGGLED) + len(DECODED) > 1000


@pytest.mark.parametrize("forms", [SMUGGLED, DECODED])
def test_no_way_of_writing_an_address_gets_past_a_list(forms: list[str]) -> None:
    passed = [text for text in forms if not refused_host(text, allowed=["acme.example"], denied=[])]
    slipped = [text for text in forms if not refused_host(text, allowed=[], denied=["evil.example"])]

    assert (passed, slipped) == ([], [])


@pytest.mark.parametrize("number", NUMBERS)
def test_an_address_in_numbers_is_compared_as_the_address_that_it_is(number: str) -> None:
    found = refused_host(f"http://{number}/admin", allowed=[], denied=["127.0.0.1", "::1"])

    assert found in {"127.0.0.1", "::1"}


@pytest.mark.parametrize("hidden", ["ht\ttp://evil.example", "http://evil\u200b.example", "http://evil\u3002example"])
def test_what_clients_drop_hides_nothing(hidden: str) -> None:
    assert refused_host(hidden, allowed=[], denied=["evil.example"]) == "evil.example"


@pytest.mark.parametrize(
    "arguments",
    [
        {"u": "https://acme.example/a"},
        {"u": "https://api.ACME.example./a"},
        {"u": ["no address", 5, None, "a // comment", "either/or", "C:\\files", "12:30//", "mailto:me"]},
        {"u": "päivää: hyvää//"},
    ],
)
def test_what_is_allowed_or_no_address_passes(arguments: dict[str, Any]) -> None:
    assert refused_host(arguments, allowed=["acme.example"], denied=[]) is None


@pytest.mark.parametrize(
    "value", [{"http://evil.example": 1}, [["http://evil.example"]], ("x", {"a": ["//evil.example"]})]
)
def test_keys_and_nested_values_count(value: object) -> None:
    assert {*hosts_in(value)} == {"evil.example"}


def test_denied_wins_and_similar_names_are_not_the_same() -> None:
    assert refused_host("http://a.b.example", allowed=["b.example"], denied=["a.b.example"]) == "a.b.example"
    assert refused_host("http://notb.example", allowed=["b.example"], denied=[]) == "notb.example"


def test_international_names_are_compared_in_one_form() -> None:
    assert refused_host("http://bücher.example", allowed=["xn--bcher-kva.example"], denied=[]) is None
    assert refused_host("http://BÜCHER.example", allowed=[], denied=["bücher.example"]) == "xn--bcher-kva.example"


def test_without_rules_nothing_is_looked_for() -> None:
    assert refused_host("http://evil.example", allowed=[], denied=[]) is None


json = st.recursive(
    st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(json)
def test_any_arguments_can_be_looked_at(value: object) -> None:
    refused_host(value, allowed=["acme.example"], denied=["evil.example"])


@given(st.text(), st.text())
def test_an_address_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    assert refused_host(f"{before} http://evil.example/{after}", allowed=["acme.example"], denied=[])
