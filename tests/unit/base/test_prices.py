"""What models cost, as operators write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kneo_project.prices import price_of, read_prices

PRICES = read_prices(["gpt-4o-mini=0.15/0.6", "claude-*=3/15", "llama3:8b=0/0", "*=1/2"])


@pytest.mark.parametrize(
    ("model", "nanos"),
    [("gpt-4o-mini", 15_000 + 6_000), ("claude-sonnet-4-5", 450_000), ("llama3:8b", 0), ("gpt-4o", 120_000)],
)
def test_the_first_price_that_fits_counts(model: str, nanos: int) -> None:
    price = price_of(model, PRICES)
    assert price is not None
    assert price.nanos(input_tokens=100, output_tokens=10) == nanos


def test_a_model_without_a_price_has_none() -> None:
    assert price_of("gpt-4o", read_prices(["gpt-4o-mini=1/1"])) is None


@pytest.mark.parametrize("word", ["gpt-4o", "gpt-4o=", "gpt-4o=1", "=1/2", "gpt-4o=a/b", "gpt-4o=-1/2", "m=nan/1"])
def test_what_is_no_price_is_told(word: str) -> None:
    with pytest.raises(ValueError, match=r"gpt-4o|=1/2|m=nan"):
        read_prices([word])


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=20))
def test_many_small_amounts_add_up_exactly(calls: list[tuple[int, int]]) -> None:
    [price] = read_prices(["m=0.15/0.6"])
    single = sum(price.nanos(input_tokens=spent, output_tokens=produced) for spent, produced in calls)
    whole = price.nanos(input_tokens=sum(s for s, _ in calls), output_tokens=sum(p for _, p in calls))
    assert single == whole
