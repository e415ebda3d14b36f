"""Specs of the corpus with something in them deleted, replaced, doubled or exchanged: as documents and as text."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from specs.language.diagnostics import SpecError
from specs.language.parsing import load
from tests.corpus import ROOT, verdicts
from tests.unit.specs.test_properties import ANYTHING

type Place = tuple[dict[Any, Any] | list[Any], Any]


def _documents() -> Iterator[dict[str, Any]]:
    for name in verdicts():
        try:
            yield dict(load((ROOT / name).read_text(), name=name).data)
        except SpecError:
            continue


DOCUMENTS = list(_documents())


TEXTS = [(ROOT / name).read_text() for name in verdicts()]
SNIPPETS = [
    "\n",
    "  ",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "!!set ",
    "'",
    '"',
    "|\n",
    "\t",
    "\0",
    "#",
    "---\n",
]


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    """Return a text of the corpus in which up to four pieces are replaced by something else."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 20)))
        text = text[:start] + draw(st.sampled_from(SNIPPETS) | st.just(text[:60]) | st.text(max_size=8)) + text[end:]
    return text


@st.composite
def mutated_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Return a document of the corpus with up to four changes at random places."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 4))):
        if places := list(_places(document)):
            _mutate(draw, draw(st.sampled_from(places)), places)
    return document


def _mutate(draw: st.DrawFn, place: Place, places: list[Place]) -> None:
    owner, key = place
    match draw(st.sampled_from(["delete", "replace", "double", "exchange"])):
        case "delete":
            del owner[key]
        case "replace":
            owner[key] = draw(ANYTHING)
        case "double" if isinstance(owner, list):
            owner.append(copy.deepcopy(owner[key]))
        case _:
            other, at = draw(st.sampled_from(places))
            owner[key] = copy.deepcopy(other[at])


def _places(value: object) -> Iterator[Place]:
    """Yield every place inside ``value`` as its owner and its key."""
    if not isinstance(value, dict | list):
        return
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        yield from _places(value[key])
