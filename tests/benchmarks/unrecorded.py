"""What marking spans costs while nobody records them: ``python -m tests.benchmarks.unrecorded``.

It is too little to be seen in runs a second. So one run tells which words of tracing are said, how often and of what;
then each is timed by itself, said of the same, over and over in this process.
"""

import inspect
import os
import sys
import time
import timeit
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

from kneo_project.cli.local import open_installation
from tests.benchmarks.specs import sequence

STEPS = 3
RUNS = 50
REPEATS, TIMES = 1_000, 200  # short, so that some are not interrupted on a busy machine
TOOL, STARTED = sys.monitoring.PROFILER_ID, sys.monitoring.events.PY_START


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A function of tracing, with what it was last told."""

    function: Callable[..., object]
    told: Mapping[str, object]

    @property
    def name(self) -> str:
        """Return how code calls it."""
        return f"{self.function.__module__.rpartition('.')[2]}.{self.function.__name__}"

    def say(self) -> None:
        """Say it once more; what lasts as long as a block has an empty one."""
        said = self.function(**self.told)
        if isinstance(said, AbstractContextManager):
            with said:
                pass

    def nanoseconds(self) -> float:
        """Return what saying it costs, at best: everything slower is the machine's doing."""
        return min(timeit.repeat(self.say, repeat=REPEATS, number=TIMES)) / TIMES * 1e9


def words_of(modules: Sequence[ModuleType], kinds: Sequence[type]) -> dict[CodeType, FunctionType]:
    """Return the public functions of ``modules`` and the public methods of ``kinds``, by their code."""
    functions = [each for module in modules for each in vars(module).values() if _is_own(each, module)]
    functions += [each for kind in kinds for each in vars(kind).values() if isinstance(each, FunctionType)]
    return {inspect.unwrap(each).__code__: each for each in functions if not each.__name__.startswith("_")}


def _is_own(thing: object, module: ModuleType) -> bool:
    return isinstance(thing, FunctionType) and thing.__module__ == module.__name__


@contextmanager
def listening(words: Mapping[CodeType, FunctionType]) -> Iterator[list[Word]]:
    """Yield the words that are said in the block, in whatever thread; those that another one says are part of it."""
    heard: list[Word] = []
    files = {code.co_filename for code in words}

    def hear(code: CodeType, _offset: int) -> None:
        frame = sys._getframe(1)
        if frame.f_back is None or frame.f_back.f_code.co_filename not in files:
            heard.append(Word(function=words[code], told=dict(frame.f_locals)))

    sys.monitoring.use_tool_id(TOOL, "words")
    sys.monitoring.register_callback(TOOL, STARTED, hear)
    for code in words:
        sys.monitoring.set_local_events(TOOL, code, STARTED)
    try:
        yield heard
    finally:
        for code in words:
            sys.monitoring.set_local_events(TOOL, code, 0)
        sys.monitoring.register_callback(TOOL, STARTED, None)
        sys.monitoring.free_tool_id(TOOL)


def cost_of(run: Callable[[], None], words: Mapping[CodeType, FunctionType]) -> float:
    """Print what the ``words`` that ``run`` says cost, and return it in microseconds."""
    with listening(words) as heard:
        run()
    counts = Counter(word.name for word in heard)
    total = 0.0
    print(f"{'word':<32} {'a run':>6} {'ns each':>8} {'us a run':>9}")  # noqa: T201
    for word in {word.name: word for word in heard}.values():
        each = word.nanoseconds()
        total += counts[word.name] * each / 1e3
        print(f"{word.name:<32} {counts[word.name]:>6} {each:>8.0f} {counts[word.name] * each / 1e3:>9.2f}")  # noqa: T201
    print(f"{'all':<32} {counts.total():>6} {'':>8} {total:>9.2f}\n")  # noqa: T201
    return total


def main() -> int:
    """Measure runs of three steps that do nothing, ordered and advanced in this process."""
    with open_installation() as service:
        # These need the settings, which are made by now.
        from kneo_project import spans  # noqa: PLC0415
        from runs import tracing  # noqa: PLC0415
        from runs.cli.driving import drive  # noqa: PLC0415

        order: dict[str, Any] = {"input": "x", "spec": sequence("unrecorded", steps=STEPS), "async_mode": True}

        def run() -> None:
            drive(uuid.UUID(service.post("/runs", order)["run_id"]))

        run()  # loads what is loaded once
        cost_of(run, words_of([spans], [type(spans.here())]))
        print("The same, with what is gathered for them, and the ids on log lines:\n")  # noqa: T201
        total = cost_of(run, words_of([tracing, spans], [type(spans.here())]))
        whole = min(_processor_seconds(run) for _ in range(RUNS)) * 1e6
        print(f"The run itself took {whole / 1e3:.1f} ms of processor time: it is {total / whole:.1%} of that.")  # noqa: T201
    return 0


def _processor_seconds(run: Callable[[], None]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


if __name__ == "__main__":
    sys.exit(main())
