"""A program that creates a batch of runs and rings for them: ``python -m tests.benchmarks.feeding ORDER COUNT``.

ORDER is a file with the JSON of a request for one run.

A process of its own, so that nothing of it is left when the clock of the workers starts.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import django

django.setup()

from runs.services import StartRun, start_run  # noqa: E402 - models can be imported only after setup
from runs.tasks import ring  # noqa: E402
from specs.services import SpecSource  # noqa: E402

THREADS = 4


def feed(order: dict[str, Any], *, count: int) -> None:
    """Create ``count`` runs as ``order`` says, each with its message to the workers."""
    request = StartRun(source=SpecSource(spec=order["spec"]), input_text=order["input"], async_mode=True)

    def create(_: int) -> None:
        run = start_run(request, actor="benchmark")
        ring(run.pk, run.queue)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(create, range(count)))


if __name__ == "__main__":
    feed(json.loads(Path(sys.argv[1]).read_text()), count=int(sys.argv[2]))
