"""Reading text: what is refused, what is kept, and where things are."""

import json

import pytest

from specs.language.diagnostics import Diagnostic, Position, SpecSyntaxError
from specs.language.limits import MAX_DEPTH, MAX_TEXT_CHARS
from specs.language.parsing import load

MERGED = "base: &base {a: 1, b: 2}\ncopy: {<<: *base, b: 3}\nsame: *base\n"


def refusal(text: str, name: str = "spec.yaml") -> Diagnostic:
    with pytest.raises(SpecSyntaxError) as caught:
        load(text, name=name)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, 1),
        ("# nothing but a comment\n", 1, 1),
        ("- a\n- b\n", 1, 1),
        ("just words", 1, 1),
        ("a: [", 2, 1),
        ("a: 1\n---\nb: 2\n", 2, 1),
        ("a: 1\nb: 2\na: 3\n", 3, 1),
        ("a: !!python/object/apply:os.system [ls]\n", 1, 4),
        ("a: !mine 1\n", 1, 4),
        ("a: !!binary aGk=\n", 1, 4),
        ("on: 1\n", 1, 1),
        ("? [a]\n: 1\n", 1, 3),
        ("a: *nothing\n", 1, 4),
        ("a: &a [*a]\n", 1, 8),
        ("a: 0x_\n", 1, 4),
        (f"a: {'9' * 5000}\n", 1, 4),
        ("a: 1\nb: x\0y\n", 2, 5),
        ("a: {<<: 5}\n", 1, 10),
    ],
)
def test_unreadable_yaml_is_refused_at_its_place(text: str, line: int, column: int) -> None:
    found = refusal(text)

    assert (found.code, found.line, found.column) == ("E_SYNTAX", line, column)


@pytest.mark.parametrize("text", ['a: "\\0"', "a: .nan", "a: 99999999999999999999"])
def test_values_that_cannot_be_stored_are_refused_with_their_path(text: str) -> None:
    assert (refusal(text).code, refusal(text).path) == ("E_SYNTAX", "a")


@pytest.mark.parametrize(
    "text",
    [
        bomb(levels=12),
        "[" * 100_000,
        "a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "a: " + "x" * MAX_TEXT_CHARS,
        "x" * 1_001 + ": 1",
    ],
    ids=["aliases", "endless depth", "too deep", "too long", "long key"],
)
def test_what_would_cost_too_much_is_refused(text: str) -> None:
    assert refusal(text).code == "E_LIMIT"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{"a": 1,\n "b": [1 2]}', 2, 10), ('{"a": 1, "a": 2}', 1, 1), ('{"a": NaN}', 1, 1), ("[]", 1, 1), ("{", 1, 2)],
)
def test_unreadable_json_is_refused(text: str, line: int, column: int) -> None:
    found = refusal(text, "spec.json")

    assert (found.code, found.line, found.column) == ("E_SYNTAX", line, column)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' + "1" * 5_000 + "}", '{"a": 1e999}', '{"a": "\\ud800"}'])
def test_extreme_json_is_refused(text: str) -> None:
    assert refusal(text, "spec.json").is_error


def test_the_position_of_every_key_and_item_is_known() -> None:
    document = load("a: 1\nb:\n  - x\n  - {c: 2}\n", name="spec.yaml")

    assert document.positions == {
        (): Position(1, 1),
        ("a",): Position(1, 1),
        ("b",): Position(2, 1),
        ("b", 0): Position(3, 5),
        ("b", 1): Position(4, 5),
        ("b", 1, "c"): Position(4, 6),
    }


def test_aliases_and_merge_keys_are_written_out() -> None:
    assert load(MERGED, name="spec.yaml").data == {
        "base": {"a": 1, "b": 2},
        "copy": {"a": 1, "b": 3},
        "same": {"a": 1, "b": 2},
    }


def test_scalars_are_those_of_yaml_1_1_except_that_dates_stay_text() -> None:
    text = "a: yes\nb: 0x10\nc: 1.5\nd: ~\ne: 2026-11-23\nf: '1'\ng: !!str 7\n"

    assert load(text, name="spec.yaml").data == {
        "a": True,
        "b": 16,
        "c": 1.5,
        "d": None,
        "e": "2026-11-23",
        "f": "1",
        "g": "7",
    }


def test_a_json_file_is_read_as_json() -> None:
    data = {"a": [1, 2.5, None, True, "ü"]}

    assert load(json.dumps(data), name="spec.JSON").data == data


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  \tb: [\n"])
def test_a_tab_that_indents_is_called_by_its_name(text: str) -> None:
    found = refusal(text)
    assert (found.line, "a tab indents this line. Write spaces instead." in found.message) == (2, True)


def test_a_tab_elsewhere_is_not_blamed() -> None:
    assert "tab" not in refusal("a:\t[1, }\n").message
