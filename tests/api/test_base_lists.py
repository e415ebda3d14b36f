"""The list envelope: limits, filters, sorting and windows."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.api.base_urls")


def ask(client: Client, *pairs: tuple[str, str]) -> Any:  # noqa: ANN401 (JSON)
    return client.get("/v1/toys?" + urlencode(pairs)).json()


def names(client: Client, *pairs: tuple[str, str]) -> list[str]:
    return [toy["name"] for toy in ask(client, *pairs)["toys"]]


def test_the_envelope_echoes_what_was_used(client: Client) -> None:
    page = ask(client)
    assert [toy["name"] for toy in page.pop("toys")] == ["ark", "bear", "car"]
    assert page == {
        "count": 3,
        "total": 3,
        "window": 10_000,
        "limit": 100,
        "offset": 0,
        "sort_by": "name",
        "sort_order": "asc",
        "next_cursor": None,
        "filters": {},
    }


@pytest.mark.parametrize(
    ("sort_by", "order", "expected"),
    [
        ("name", "desc", ["car", "bear", "ark"]),
        ("price", "asc", ["car", "bear", "ark"]),
        ("price", "desc", ["bear", "car", "ark"]),
        ("box.width", "asc", ["bear", "ark", "car"]),
        ("nothing.like.it", "desc", ["bear", "ark", "car"]),
        ("", "asc", ["bear", "ark", "car"]),
    ],
)
def test_missing_values_come_last_in_both_directions(
    client: Client, sort_by: str, order: str, expected: list[str]
) -> None:
    assert names(client, ("sort_by", sort_by), ("sort_order", order)) == expected


def test_a_page_is_cut_and_counts_what_it_holds(client: Client) -> None:
    page = ask(client, ("limit", "1.0"), ("offset", "+2"))
    assert (page["count"], page["total"], page["limit"], page["offset"]) == (1, 3, 1, 2)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("limit", "0", "greater_than_equal"),
        ("limit", "1001", "less_than_equal"),
        ("limit", "", "int_parsing"),
        ("limit", "1.5", "int_parsing"),
        ("limit", "9" * 5_000, "int_parsing"),
        ("offset", "-1", "greater_than_equal"),
        ("offset", "10001", "less_than_equal"),
        ("sort_order", "DESC", "enum"),
        ("size", "", "enum"),
        ("has_box", "", "bool_parsing"),
        ("label", "\0", "value_error"),
    ],
)
def test_a_value_out_of_range_is_a_problem_of_the_query(client: Client, name: str, value: str, kind: str) -> None:
    response = client.get("/v1/toys?" + urlencode({name: value}))
    assert response.status_code == 422
    assert [(each["type"], each["loc"]) for each in response.json()["detail"]] == [(kind, ["query", name])]


def test_several_problems_are_listed_and_the_last_of_a_repeated_parameter_counts(client: Client) -> None:
    response = client.get("/v1/toys?limit=5&limit=x&sort_order=up&offset=1")
    assert [each["loc"][1] for each in response.json()["detail"]] == ["limit", "sort_order"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23", "2026-11-23 00:00:00+00:00"),
        ("20261123T0900Z", "2026-11-23 09:00:00+00:00"),
        ("2026-W48-1", "2026-11-23 00:00:00+00:00"),
        ("2026-11-23T09:00:00.5+02:00", "2026-11-23 07:00:00.500000+00:00"),
    ],
)
def test_a_timestamp_is_read_as_utc(client: Client, text: str, moment: str) -> None:
    assert ask(client, ("made_after", text))["filters"] == {"made_after": moment}


@pytest.mark.parametrize("text", ["", "now", "1700000000.5", "2026-11-23T09:00:00z", "0001-01-01T00:00+14:00"])
def test_a_bad_timestamp_names_its_parameter(client: Client, text: str) -> None:
    response = client.get("/v1/toys?" + urlencode({"made_before": text}))
    assert response.status_code == 422
    assert response.json()["detail"]["error"] == "invalid_timestamp"
    assert response.json()["detail"]["param"] == "made_before"


def test_empty_texts_count_only_where_they_are_values(client: Client) -> None:
    assert ask(client, ("colour", ""), ("label", ""), ("has_box", "Y"))["filters"] == {"label": "", "has_box": "True"}


def test_an_unknown_parameter_is_named_on_reads_and_writes(client: Client) -> None:
    for response in (client.get("/v1/toys?b=1&a=2"), client.post("/v1/toys?b=1&a=2")):
        assert response.status_code == 422
        assert response.json()["detail"]["unknown"] == ["a", "b"]
