"""A program that creates a batch of runs and rings for them: ``python -m tests.benchmarks.feeding NAME STEPS COUNT``.

A process of its own, so that nothing of it is left when the clock of the workers starts.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import django

django.setup()

from runs.services import StartRun, start_run  # noqa: E402 - models can be imported only after setup
from runs.tasks import ring  # noqa: E402
from specs.services import SpecSource  # noqa: E402
from tests.benchmarks.specs import sequence  # noqa: E402

THREADS = 4


def feed(name: str, *, steps: int, count: int) -> None:
    """Create ``count`` runs of the workflow ``name``, each with its message to the workers."""
    request = StartRun(source=SpecSource(spec=sequence(name, steps=steps)), input_text="go", async_mode=True)

    def create(_: int) -> None:
        ring(start_run(request, actor="benchmark").pk)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(create, range(count)))


if __name__ == "__main__":
    feed(sys.argv[1], steps=int(sys.argv[2]), count=int(sys.argv[3]))
