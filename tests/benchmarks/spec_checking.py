"""What checking a long spec costs: ``python -m tests.benchmarks.spec_checking``.

Time and peak memory of reading, checking and compiling a workflow of each shape at several lengths; the cost per step
tells whether it grows with the length.
"""

import itertools
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from specs.language.checking import check
from specs.language.compiling import compile_plan
from specs.language.parsing import load
from specs.language.rendering import render
from tests.benchmarks.specs import FUNCTION_MODULES

LENGTHS = (250, 1_000, 4_000)
MEASURED_STEPS = 1_000
MOST_SECONDS = 0.5
MOST_MEGABYTES = 100.0
MOST_GROWTH = 2.0
ROUNDS = 3

type Workflow = Mapping[str, Any]


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


def sequence(ids: list[str]) -> Workflow:
    """Return steps one after the other, each the fallback of the one before."""
    fallbacks = [{"on_error": "fallback", "fallback_ref": step} for step in ids[1:]]
    return {
        "type": "sequential",
        "steps": [_step(step) | more for step, more in zip(ids, [*fallbacks, {}], strict=True)],
    }


def concurrent(ids: list[str]) -> Workflow:
    """Return steps beside each other."""
    return {"type": "concurrent", "participants": [_step(step) for step in ids]}


def handoff(ids: list[str]) -> Workflow:
    """Return turns in an order of their own."""
    selector = {"type": "sequence", "sequence": ids[::-1]}
    return {"type": "handoff", "participants": [_step(step) for step in ids], "selector": selector}


def chain(ids: list[str]) -> Workflow:
    """Return a graph in which each node leads to the next."""
    return _graph(ids, itertools.pairwise(ids))


def hub(ids: list[str]) -> Workflow:
    """Return a graph in which one node leads to all others, and they back to it."""
    first, *others = ids
    return _graph(ids, [*((first, each) for each in others), *((each, first) for each in others)])


SHAPES: Mapping[str, Callable[[list[str]], Workflow]] = {
    "sequence": sequence,
    "concurrent": concurrent,
    "handoff": handoff,
    "graph, a chain": chain,
    "graph, a hub": hub,
}


def _step(name: str) -> dict[str, Any]:
    return {"id": name, "kind": "function", "ref": "pass_on"}


def _graph(ids: list[str], ways: Iterable[tuple[str, str]]) -> Workflow:
    edges = [{"from": source, "to": target} for source, target in ways]
    return {"type": "graph", "start": ids[0], "nodes": {step: _step(step) for step in ids}, "edges": edges}


def measure(shape: Callable[[list[str]], Workflow], steps: int) -> Cost:
    """Return the cost of reading, checking and compiling a workflow of ``steps`` steps: the best of several rounds."""
    functions = {"pass_on": {"implementation": f"{FUNCTION_MODULES}.pass_on"}}
    workflow = shape([f"step-{number}" for number in range(steps)])
    spec = {"version": "v1", "agent": {"name": "long"}, "workflow": workflow, "components": {"functions": functions}}
    text = render(spec)

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
    """Print the cost of each shape at each length; return 1 when one is beyond the budget."""
    print(f"{'shape':<15} {'steps':>6} {'seconds':>8} {'us/step':>8} {'peak MB':>8}")  # noqa: T201
    verdicts = []
    for name, shape in SHAPES.items():
        costs = [measure(shape, steps) for steps in LENGTHS]
        for cost in costs:
            figures = f"{cost.seconds:>8.3f} {cost.microseconds_per_step:>8.1f} {cost.megabytes:>8.1f}"
            print(f"{name:<15} {cost.steps:>6} {figures}")  # noqa: T201
        verdicts.append(is_within_budget(costs))
    return 0 if all(verdicts) else 1


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
