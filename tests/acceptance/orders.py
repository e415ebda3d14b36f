"""What the clients of a storm order, and what has to become of each order."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.acceptance.api import TERMINAL
from tests.acceptance.conditions import until
from tests.acceptance.deployment import Deployment, Job
from tests.acceptance.judging import misdone
from tests.acceptance.shapes import HUMAN, SHAPES, Shape
from tests.acceptance.specs import sequence

TAG = "storm"
PACE_SECONDS = 0.4
ANSWERING_SECONDS = 1.0
ANSWERS_AT_ONCE = 8
REST_SECONDS = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of order: its spec, how it comes to rest, and how often its steps begin when nothing happens."""

    name: str
    spec: dict[str, Any]
    starts: Counter[str]
    rests: str = "completed"
    shape: Shape | None = None
    human_at: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def output(self, token: str) -> str | None:
        """Return what the run has to say on ``token``; None where that is not looked at."""
        return None if self.shape is None else self.shape.output(token, self.human_at)


def _of_shape(name: str, human_at: int | None = None) -> Kind:
    shape = SHAPES[name]
    told = name if human_at is None else f"{name}, asked"
    spec = shape.spec(human_at, by="stroll")
    return Kind(name=told, spec=spec, starts=shape.starts(), shape=shape, human_at=human_at)


def _neglected(name: str, rests: str, **fields: Any) -> Kind:
    question = {"description": "Does anybody answer?", "timeout_seconds": 2, **fields}
    return Kind(name=name, spec=sequence(one="mark", ask=question, two="mark"), starts=Counter(one=1), rests=rests)


def _endless(name: str, rests: str, **fields: Any) -> Kind:
    spec = sequence(one="mark", two="mark")
    spec["workflow"]["steps"].insert(1, {"id": "pause", "kind": "wait", "ref": "hour"})
    spec["components"]["waits"] = {"hour": {"seconds": 3600}}
    return Kind(name=name, spec=spec, starts=Counter(one=1), rests=rests, fields=fields)


SHORT = Kind(name="short", spec=sequence(one="mark", two="mark"), starts=Counter(one=1, two=1))
CANCELLED = _endless("cancelled", "cancelled")
KINDS = (
    *(_of_shape(name) for name in SHAPES),
    *(_of_shape(name, human_at=1) for name in ("sequential", "nested", "map")),
    _neglected("expired", "expired"),
    _neglected("escalated", "blocked", on_timeout="escalate"),
    _endless("late", "timed_out", timeout_seconds=2),
    CANCELLED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was ordered, and the run that was promised for it."""

    kind: Kind
    job: Job


class Clients:
    """Some order one thing after another, others answer what is asked, each in a thread, while the block lasts."""

    def __init__(self, deployment: Deployment) -> None:
        self.orders: list[Order] = []
        self._deployment = deployment
        self._enough, self._over = threading.Event(), threading.Event()
        self._threads = ThreadPoolExecutor(ANSWERS_AT_ONCE + 2)

    def __enter__(self) -> Self:
        self._busy = [self._threads.submit(self._order_all), self._threads.submit(self._answer_all)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._enough.set()
        self._over.set()
        with self._threads:
            for each in self._busy:
                each.result()

    def order(self, kind: Kind, *, count: int = 1, tag: str = TAG) -> list[Order]:
        """Order so many runs of a kind, several at a time."""
        jobs = self._deployment.start_many(count, kind.spec, tags=[tag], **kind.fields)
        return [Order(kind=kind, job=job) for job in jobs]

    def come_to_rest(self, *, disturbed: int) -> list[str]:
        """Order nothing more, and wait until all that was ordered is at rest; return what is wrong with it."""
        self._enough.set()
        self._busy[0].result()
        judged = ((each, told) for each in self.orders for told in self._judge(each, disturbed))
        return [f"{order.kind.name} {order.job.run_id}: {told}" for order, told in judged]

    def _judge(self, order: Order, disturbed: int) -> Iterator[str]:
        kind, run_id = order.kind, order.job.run_id
        rest = TERMINAL | {kind.rests}
        until(lambda: self._deployment.api.status(run_id) in rest, within=REST_SECONDS, what=f"{run_id} is at rest")
        run, ledger = self._deployment.api.run(run_id), order.job.ledger
        output = kind.output(ledger.token)
        yield from misdone(run, ledger, status=kind.rests, output=output, starts=kind.starts, disturbed=disturbed)

    def _order_all(self) -> None:
        for kind in itertools.cycle(KINDS):
            if self._enough.wait(PACE_SECONDS):
                return
            orders = self.order(kind)
            self.orders += orders
            if kind is CANCELLED:
                self._deployment.api.cancel(orders[0].job.run_id)

    def _answer_all(self) -> None:
        api = self._deployment.api
        while not self._over.wait(ANSWERING_SECONDS):
            asked = [task for task in api.open_tasks() if task["pending_human_request"]["requested_by"] == HUMAN["id"]]
            list(self._threads.map(api.approve_task, asked))
