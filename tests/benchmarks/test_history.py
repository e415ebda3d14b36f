"""What the report says about a request at two sizes, and what a history is made of."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from tests.benchmarks.history.lines import Limit, Line, Times, print_lines
from tests.benchmarks.history.texts import texts
from tests.benchmarks.machine import Machine

MACHINE = Machine(
    measured_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), cores=2, python="3.12.1", postgres="15.2", load=0.4
)


def line(small: float, large: float, limit: Limit = Limit.LIST, *, p95: float = 40) -> Line:
    return Line(
        name="human-tasks?status=pending",
        small=Times(p50=small, p95=small),
        large=Times(p50=large, p95=p95),
        limit=limit,
    )


def test_times_are_percentiles() -> None:
    assert Times.of([float(number) for number in range(101)]) == Times(p50=50, p95=95)


@pytest.mark.parametrize(
    ("measured", "is_met"),
    [
        (line(10, 15), True),
        (line(10, 15.1), False),
        (line(10, 10, p95=51), False),
        (line(1, 9, Limit.ONE, p95=10), True),
        (line(1, 9, Limit.ONE, p95=11), False),
        (line(1, 15, Limit.CREATE, p95=99), True),
        (line(1, 16, Limit.CREATE, p95=16), False),
    ],
)
def test_a_list_may_neither_take_long_nor_grow_and_anything_else_may_grow(measured: Line, is_met: bool) -> None:
    assert measured.is_met is is_met
    assert measured.as_json()["is_met"] is is_met


def test_the_table_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([line(100, 125, p95=140)], (1_000, 100_000), MACHINE, Console(width=80))
    [row] = [each for each in capsys.readouterr().out.splitlines() if "human-tasks" in each]
    values = ["100.0", "/", "100.0", "125.0", "/", "140.0", "1.25", "50,", "1.5x", "MISSED"]
    assert row.split() == ["human-tasks?status=pending", *values]


def test_texts_are_always_the_same_and_all_different() -> None:
    made = texts(50)
    assert made == texts(50)
    assert len(set(made)) == 50
