"""Events go out in order, each once, however late their rows become visible."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from runs.events.gapless import PATIENCE_SECONDS, Gapless


@dataclass(frozen=True)
class Item:
    number: int


def items(*numbers: int) -> list[Item]:
    return [Item(number) for number in numbers]


def numbers(ready: list[Item]) -> list[int]:
    return [item.number for item in ready]


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 3), min_size=8, max_size=8))
def test_whatever_the_order_of_arrival_they_leave_in_order(arrival: list[int], sizes: list[int]) -> None:
    order: Gapless[Item] = Gapless(0)
    out: list[int] = []
    while arrival:
        batch, arrival = arrival[: sizes[0]], arrival[sizes[0] :]
        sizes = sizes[1:] + sizes[:1]
        out += numbers(order.take(items(*batch), now=0.0))
    assert out == list(range(1, 9))
    assert not order.is_waiting


def test_what_was_seen_before_does_not_go_out_again() -> None:
    order: Gapless[Item] = Gapless(5)
    assert numbers(order.take(items(4, 5, 6), now=0.0)) == [6]
    assert numbers(order.take(items(6, 7), now=0.0)) == [7]


def test_a_gap_that_nobody_fills_is_passed_after_a_while() -> None:
    order: Gapless[Item] = Gapless(0)
    assert numbers(order.take(items(1, 4), now=0.0)) == [1]
    assert order.is_waiting
    assert numbers(order.take((), now=PATIENCE_SECONDS)) == [4]
    assert order.missed == (2, 3)


def test_what_turns_up_after_its_gap_was_passed_goes_out_late() -> None:
    order: Gapless[Item] = Gapless(0)
    order.take(items(3), now=0.0)
    order.take((), now=PATIENCE_SECONDS)
    assert numbers(order.take(items(2, 4), now=PATIENCE_SECONDS)) == [2, 4]
    assert order.missed == (1,)


def test_a_number_that_never_turns_up_is_forgotten() -> None:
    order: Gapless[Item] = Gapless(0)
    order.take(items(2), now=0.0)
    order.take((), now=PATIENCE_SECONDS)
    order.take((), now=1000.0)
    assert order.missed == ()
