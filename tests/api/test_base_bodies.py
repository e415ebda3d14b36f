"""What a body may be, and how its problems are listed."""

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.api.base_urls")


def send(client: Client, body: str | bytes, content_type: str = "application/json") -> tuple[int, Any]:
    response = client.post("/v1/toys", body, content_type=content_type)
    return response.status_code, response.json().get("detail", response.json())


def problems(client: Client, body: str, content_type: str = "application/json") -> list[tuple[str, list[Any]]]:
    status, detail = send(client, body, content_type)
    assert status == 422
    assert all(each.keys() == {"type", "loc", "msg"} for each in detail)
    return [(each["type"], each["loc"]) for each in detail]


def test_defaults_fill_what_was_left_out(client: Client) -> None:
    assert send(client, '{"name": ""}') == (
        200,
        {
            "name": "",
            "kind": "workflow",
            "wrapped": False,
            "metadata": {},
            "manual": None,
            "overlays": [],
            "parts": None,
        },
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", ("missing", ["body"])),
        ("{}", ("missing", ["body", "name"])),
        ('{"name": 1}', ("string_type", ["body", "name"])),
        ('{"name": null}', ("string_type", ["body", "name"])),
        ('{"name": "a", "extra": 1}', ("extra_forbidden", ["body", "extra"])),
        ('{"name": "a", "kind": "x"}', ("enum", ["body", "kind"])),
        ('{"name": "a", "wrapped": "maybe"}', ("bool_parsing", ["body", "wrapped"])),
        ('{"name": "a", "wrapped": null}', ("bool_type", ["body", "wrapped"])),
        ('{"name": "a", "wrapped": []}', ("bool_type", ["body", "wrapped"])),
        ('{"name": "a", "metadata": []}', ("dict_type", ["body", "metadata"])),
        ('{"name": "a", "metadata": null}', ("dict_type", ["body", "metadata"])),
        ('{"name": "a", "overlays": "x"}', ("list_type", ["body", "overlays"])),
        ('{"name": "a", "overlays": ["x", 2]}', ("string_type", ["body", "overlays", 1])),
        ('{"name": "a", "overlays": ["x/../y"]}', ("value_error", ["body", "overlays", 0])),
        ('{"name": "a", "manual": "~/x"}', ("value_error", ["body", "manual"])),
        ('{"name": "a", "manual": "..\\\\x"}', ("value_error", ["body", "manual"])),
        ('{"name": "a", "parts": []}', ("model_attributes_type", ["body", "parts"])),
        ('{"name": "a", "parts": {"add": [1]}}', ("string_type", ["body", "parts", "add", 0])),
        ('{"name": "a", "parts": {"del": []}}', ("extra_forbidden", ["body", "parts", "del"])),
        ("[]", ("model_attributes_type", ["body"])),
        ("{", ("json_invalid", ["body", 1])),
        ('{"name": NaN}', ("json_invalid", ["body"])),
        ('{"name": "a", "metadata": {"x": -Infinity}}', ("json_invalid", ["body"])),
        ('{"name": "a", "metadata": {"x": 1e999}}', ("json_invalid", ["body"])),
        ('{"name": "\\u0000"}', ("value_error", ["body"])),
        ('{"name": "\\ud800"}', ("value_error", ["body"])),
        ('{"name": "a", "metadata": {"\\u0000": 1}}', ("value_error", ["body"])),
        ('{"name": "a", "metadata": ' + '{"a":' * 200 + "1" + "}" * 201, ("json_invalid", ["body"])),
        ("[" * 100_000, ("json_invalid", ["body"])),
        ('{"name": ' + "1" * 5_000 + "}", ("json_invalid", ["body"])),
    ],
)
def test_a_problem_has_a_type_and_a_place(client: Client, body: str, expected: tuple[str, list[Any]]) -> None:
    assert problems(client, body) == [expected]


def test_all_problems_are_listed_at_once(client: Client) -> None:
    listed = problems(client, '{"kind": 1, "wrapped": "?", "zzz": 1, "parts": {"add": 1, "q": 2}}')
    assert sorted(listed) == [
        ("bool_parsing", ["body", "wrapped"]),
        ("enum", ["body", "kind"]),
        ("extra_forbidden", ["body", "parts", "q"]),
        ("extra_forbidden", ["body", "zzz"]),
        ("list_type", ["body", "parts", "add"]),
        ("missing", ["body", "name"]),
    ]


@pytest.mark.parametrize("word", ["true", '"true"', '"ON"', "1", '"1"', '"y"', "1.0"])
def test_words_and_numbers_stand_for_true(client: Client, word: str) -> None:
    assert send(client, f'{{"name": "a", "wrapped": {word}}}')[1]["wrapped"] is True


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "application/vnd.kneo+json", "APPLICATION/JSON"]
)
def test_json_is_accepted_under_all_its_names(client: Client, content_type: str) -> None:
    assert send(client, '{"name": "a"}', content_type)[0] == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_anything_else_is_not_an_object(client: Client, content_type: str) -> None:
    assert problems(client, '{"name": "a"}', content_type) == [("model_attributes_type", ["body"])]


def test_a_body_that_is_not_utf_8_is_a_400(client: Client) -> None:
    assert send(client, b'{"name": "\xff"}') == (400, "There was an error parsing the body")


AT_THE_LIMIT = {
    ("MAX_INPUT_CHARS", 2, "string_too_long"): ({"name": "éé"}, {"name": "ééé"}),
    ("MAX_PATH_CHARS", 2, "string_too_long"): ({"name": "", "manual": "xx"}, {"name": "", "manual": "xxx"}),
    ("MAX_LIST_ITEMS", 1, "too_long"): ({"name": "", "overlays": ["x"]}, {"name": "", "overlays": ["x", "y"]}),
    ("MAX_METADATA_BYTES", 11, "value_error"): (
        {"name": "", "metadata": {"k": "é"}},
        {"name": "", "metadata": {"k": "éa"}},
    ),
}


@pytest.mark.parametrize(("limit", "bodies"), AT_THE_LIMIT.items())
def test_exactly_at_the_limit_is_allowed(
    client: Client, settings: Settings, limit: tuple[str, int, str], bodies: tuple[object, object]
) -> None:
    setting, value, kind = limit
    setattr(settings, setting, value)
    assert send(client, json.dumps(bodies[0]))[0] == 200
    assert [found for found, _ in problems(client, json.dumps(bodies[1]))] == [kind]


def test_a_problem_never_repeats_what_was_sent(client: Client) -> None:
    _, detail = send(client, '{"name": {"password": "hunter2"}, "kind": "hunter2", "wrapped": "hunter2"}')
    assert "hunter2" not in json.dumps(detail)
