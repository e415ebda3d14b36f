"""Addresses with places for arguments: an argument stays in its place."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.language.web_addresses import AddressInvalid, filled, filled_value, places_in, problems_of, whole_place

TEMPLATE = "https://api.example.com/v1/users/{user}/orders?since={since}&limit=5"


def test_arguments_take_their_places_quoted() -> None:
    assert filled(TEMPLATE, {"user": "Ada & Co/7", "since": "a b?c"}) == (
        "https://api.example.com/v1/users/Ada%20%26%20Co%2F7/orders?since=a%20b%3Fc&limit=5"
    )
    assert filled("https://x.example/{a}-{b}", {"a": 7, "b": True}) == "https://x.example/7-true"
    assert filled_value("q={a}", {"a": "{b} &", "b": "no"}) == "q={b} &"
    assert (places_in("/{a}/{b}/{a}"), whole_place("{url}"), whole_place("{url}/x")) == (["a", "b"], "url", None)


@pytest.mark.parametrize("user", ["", ".", "..", "%2e%2e", "%252e%252E", "../admin", "a/../b", "..\\x", None, [], {}])
def test_an_argument_that_would_change_the_path_has_no_place_in_it(user: object) -> None:
    with pytest.raises(AddressInvalid, match=r"user|path"):
        filled(TEMPLATE, {"user": user, "since": "x"})


@given(st.text(min_size=1), st.text())
def test_no_argument_changes_anything_but_its_place(user: str, since: str) -> None:
    try:
        address = filled(TEMPLATE, {"user": user, "since": since})
    except AddressInvalid:
        assert "." in user or "%2e" in unquote(user).lower()
        return
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    assert parts.path.split("/")[:3] + parts.path.split("/")[4:] == ["", "v1", "users", "orders"]
    assert parts.query.count("&") == 1


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("https://x.example/{a}", None),
        ("{url}", None),
        ("https://x.example/{a", "brace"),
        ("https://x.example/{a b}", "brace"),
        ("https://{host}/x", "host"),
        ("https://x.example:{port}/x", "address|host"),
        ("https://api.{region}.example/x", "host"),
        ("{scheme}://x.example", "no http"),
        ("ftp://x.example/", "no http"),
        ("/v1/users", "no http"),
        ("https://", "no http"),
        ("https://me:pw@x.example/", "password"),
        ("https://x.example/#top", "fragment"),
        ("https://x.example/a b", "space"),
        ("https://bücher.example/", "letter"),
        ("https://[::1/", "no address"),
    ],
)
def test_what_is_wrong_with_an_address_is_told(template: str, problem: str | None) -> None:
    found = list(problems_of(template))
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert any(word in found[0] for word in problem.split("|"))
