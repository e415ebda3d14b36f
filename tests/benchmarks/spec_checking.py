"""What checking a long spec costs: ``python -m tests.benchmarks.spec_checking``.

Time and peak memory of reading, checking and compiling a sequence, at several lengths; the cost per step tells whether
it grows with the length.
"""

import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

from specs.language.checking import check
from specs.language.compiling import compile_plan
from specs.language.parsing import load
from specs.language.rendering import render
from tests.benchmarks.specs import sequence

LENGTHS = (250, 1_000, 4_000)
MEASURED_STEPS = 1_000
MOST_SECONDS = 0.5
MOST_MEGABYTES = 100.0
MOST_GROWTH = 2.0
ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one pass over a spec of ``steps`` steps costs."""

    steps: int
    seconds: float
    megabytes: float

    @property
    def microseconds_per_step(self) -> float:
        """The time divided by the steps."""
        return self.seconds / self.steps * 1e6


def measure(steps: int) -> Cost:
    """Return the cost of reading, checking and compiling a sequence of ``steps`` steps: the best of several rounds."""
    text = render(sequence("long", steps=steps))

    def one_pass() -> None:
        document = load(text, name="long.yaml")
        assert check(document.data, positions=document.positions) == []
        compile_plan(document.data)

    seconds = min(_seconds(one_pass) for _ in range(ROUNDS))
    tracemalloc.start()
    one_pass()
    megabytes = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return Cost(steps=steps, seconds=seconds, megabytes=megabytes)


def is_within_budget(costs: list[Cost]) -> bool:
    """Return whether a thousand steps are checked fast, in little memory, and a step costs the same in a long spec."""
    measured = next(cost for cost in costs if cost.steps == MEASURED_STEPS)
    growth = costs[-1].microseconds_per_step / costs[0].microseconds_per_step
    return measured.seconds < MOST_SECONDS and measured.megabytes < MOST_MEGABYTES and growth < MOST_GROWTH


def main() -> int:
    """Print the cost at each length; return 1 when it is beyond the budget."""
    costs = [measure(steps) for steps in LENGTHS]
    print(f"{'steps':>6} {'seconds':>8} {'us/step':>8} {'peak MB':>8}")  # noqa: T201
    for cost in costs:
        print(f"{cost.steps:>6} {cost.seconds:>8.3f} {cost.microseconds_per_step:>8.1f} {cost.megabytes:>8.1f}")  # noqa: T201
    return 0 if is_within_budget(costs) else 1


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
