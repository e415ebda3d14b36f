"""Documents as YAML that people like to read."""

from specs.language.parsing import load
from specs.language.rendering import render


def test_lines_stay_lines_and_keys_stay_in_order() -> None:
    assert render({"b": "one\ntwo\n", "a": ["x"], "c": {}}) == "b: |\n  one\n  two\na:\n- x\nc: {}\n"


def test_what_is_written_twice_is_written_out() -> None:
    shared = {"k": [1]}

    assert render({"a": shared, "b": shared}) == "a:\n  k:\n  - 1\nb:\n  k:\n  - 1\n"


def test_words_that_yaml_would_take_for_something_else_are_quoted() -> None:
    assert render({"on": "yes", "n": "5", "<<": "2026-01-02"}) == "'on': 'yes'\nn: '5'\n'<<': '2026-01-02'\n"


def test_only_a_bare_merge_key_merges() -> None:
    assert load("a: &a {x: 1}\nb: {<<: *a}\nc: {'<<': {y: 2}}\n", name="x.yaml").data == {
        "a": {"x": 1},
        "b": {"x": 1},
        "c": {"<<": {"y": 2}},
    }
