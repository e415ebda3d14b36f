"""Every shape of workflow around the same three steps, for faults to be tried on all of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

type Block = dict[str, Any]

NAMES = ("one", "two", "three")
HUMAN: Block = {"id": "boss", "kind": "human", "ref": "boss"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How steps become a workflow, and what comes of it.

    ``build`` returns the root workflow and the component workflows; ``prefix`` leads to the paths of the steps.
    ``text`` is what becomes of the run's text, shown as ``T``. ``often`` is how often each step is done where that is
    not once, ``at_once`` how often it may be under way at the same time. Where ``all_at_once`` the steps do not wait
    for each other.
    """

    build: Callable[[list[Block]], tuple[Block, dict[str, Block]]]
    text: str = "T>one>two>three"
    prefix: str = ""
    often: Counter[str] = field(default_factory=Counter)
    at_once: int = 1
    all_at_once: bool = False

    def spec(self, human_at: int | None = None, *, by: str = "work") -> Block:
        """Return the spec, whose steps are done by the function ``by``.

        A person is asked before the step of number ``human_at``, if that is given.
        """
        steps = [{"id": name, "kind": "function", "ref": by} for name in NAMES]
        if human_at is not None:
            steps.insert(human_at, HUMAN)
        root, inner = self.build(steps)
        functions = {name: {"implementation": f"tests.acceptance.steps.{name}"} for name in (by, "pair")}
        agents = {"crew": {"name": "crew", "as_agent": "inner"}} if "inner" in inner else {}
        components = {
            "functions": functions,
            "agents": agents,
            "humans": {"boss": {}},
            "waits": {"moment": {"seconds": 0.5}},
            "workflows": inner,
        }
        return {"version": "v1", "agent": {"name": "matrix"}, "workflow": root, "components": components}

    def path(self, name: str) -> str:
        """Return the path of the step ``name``."""
        return f"{self.prefix}{name}"

    def starts(self) -> Counter[str]:
        """Return how often each step begins when nothing happens."""
        return Counter({self.path(name): self.often[name] or 1 for name in NAMES})

    def output(self, token: str, human_at: int | None = None) -> str:
        """Return the run's output on ``token``. A person who approves, asked last of all at once, says it again."""
        is_last_word = self.all_at_once and human_at == len(NAMES)
        return token if is_last_word else self.text.replace("T", token)


def _sequence(steps: Sequence[Block]) -> Block:
    return {"type": "sequential", "steps": list(steps)}


def _among(kind: str, **fields: Any) -> Callable[[list[Block]], tuple[Block, dict[str, Block]]]:
    return lambda steps: ({"type": kind, "participants": steps, **fields}, {})


def _graph(steps: list[Block]) -> tuple[Block, dict[str, Block]]:
    """Go from step to step, and once back from the third to the second."""
    again = {"type": "not", "condition": {"type": "output_contains", "value": "three>two>three"}}
    ways: list[Block] = [{"from": "three", "to": "two", "condition": again}]
    ways += [{"from": a["id"], "to": b["id"]} for a, b in pairwise(steps)]
    nodes = {step["id"]: step for step in steps}
    return {"type": "graph", "start": steps[0]["id"], "nodes": nodes, "edges": ways}, {}


def _nested(steps: list[Block]) -> tuple[Block, dict[str, Block]]:
    return _sequence([{"id": "sub", "kind": "workflow", "ref": "inner"}]), {"inner": _sequence(steps)}


def _crew(steps: list[Block]) -> tuple[Block, dict[str, Block]]:
    return _sequence([{"id": "sub", "kind": "agent", "ref": "crew"}]), {"inner": _sequence(steps)}


def _map(steps: list[Block]) -> tuple[Block, dict[str, Block]]:
    items: Block = {"type": "map", "step": {"id": "item", "kind": "workflow", "ref": "inner"}}
    split = {"id": "split", "kind": "function", "ref": "pair"}
    root = _sequence([split, {"id": "items", "kind": "workflow", "ref": "items"}])
    return root, {"items": items, "inner": _sequence(steps)}


def _waiting(steps: list[Block]) -> tuple[Block, dict[str, Block]]:
    """Let a moment pass after the first step."""
    pause = {"id": "pause", "kind": "wait", "ref": "moment"}
    return _sequence([steps[0], pause, *steps[1:]]), {}


SHAPES = {
    "sequential": Shape(build=lambda steps: (_sequence(steps), {})),
    "graph": Shape(build=_graph, text="T>one>two>three>two>three", often=Counter(two=2, three=2)),
    "concurrent": Shape(build=_among("concurrent"), text="T>three", all_at_once=True),
    "concurrent, apart": Shape(build=_among("concurrent", max_parallel=1), text="T>three", all_at_once=True),
    "handoff": Shape(build=_among("handoff")),
    "group-chat": Shape(
        build=_among("group-chat", rounds=2),
        text="T>one>two>three>one>two>three",
        often=Counter(one=2, two=2, three=2),
    ),
    "waiting": Shape(build=_waiting),
    "nested": Shape(build=_nested, prefix="sub/"),
    "agent": Shape(build=_crew, prefix="sub/"),
    "map": Shape(
        build=_map,
        text='["T>one>two>three", "T>one>two>three"]',
        prefix="items/item/",
        often=Counter(one=2, two=2, three=2),
        at_once=2,
    ),
}
