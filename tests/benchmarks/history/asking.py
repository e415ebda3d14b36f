"""Asks several histories of different lengths in turns, so that what else happens meets all of them alike."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import services
from tests.acceptance.brokers import Broker
from tests.acceptance.databases import PostgresDatabase
from tests.acceptance.deployment import NO_SETTINGS, Deployment
from tests.benchmarks.bench import SETTINGS, BenchmarkFailed, new_queue
from tests.benchmarks.history.calls import CREATE, READ

WARM_UP_ROUNDS = 10

type Samples = dict[str, list[float]]


class History:
    """A program that knows a history and answers for it."""

    def __init__(self, program: subprocess.Popen[str], deployment: Deployment) -> None:
        self._program = program
        self.deployment = deployment
        self.samples: Samples = defaultdict(list)

    def ask(self, word: str, *, counts: bool) -> None:
        """Let it send the requests of ``word`` once; their times are kept if they count. Raises BenchmarkFailed."""
        if self._program.stdin:
            self._program.stdin.write(f"{word}\n")
            self._program.stdin.flush()
        took: dict[str, float] = self.heard()
        for name, milliseconds in took.items() if counts else ():
            self.samples[name].append(milliseconds)

    def heard(self) -> dict[str, float]:
        """Return what it says next. Raises BenchmarkFailed."""
        line = self._program.stdout.readline() if self._program.stdout else ""
        if not line:
            raise BenchmarkFailed("The program that asks the API has ended.")
        said: dict[str, float] = json.loads(line)
        return said


def samples_of(sizes: Sequence[int], folder: Path, *, rounds: int) -> list[Samples]:
    """Return the milliseconds of each request, of ``rounds`` rounds, for histories of ``sizes``."""
    with ExitStack() as stack:
        histories = [stack.enter_context(history_of(size, folder / str(size))) for size in sizes]
        for word in (READ, CREATE):
            for number in range(WARM_UP_ROUNDS + rounds):
                for history in histories:
                    history.ask(word, counts=number >= WARM_UP_ROUNDS)
        return [history.samples for history in histories]


@contextmanager
def history_of(runs: int, folder: Path, settings: Mapping[str, str] = NO_SETTINGS) -> Iterator[History]:
    """Make a history of ``runs``, on a database and a queue of its own; leave nothing behind."""
    folder.mkdir()
    with ExitStack() as stack:
        database = PostgresDatabase()
        stack.callback(database.drop)
        broker = Broker(services.RABBITMQ.url, queue=new_queue())
        stack.callback(broker.close)
        # Never opened: the program that asks is its web server, and nobody drives the runs that it creates.
        deployment = Deployment(
            folder,
            database_url=database.url,
            broker_url=services.RABBITMQ.url,
            queue=broker.queue,
            settings={**SETTINGS, **settings},
        )
        stack.callback(deployment.close)
        deployment.run("manage.py", "migrate", "--verbosity", "0")
        program = stack.enter_context(deployment.talk_to("-m", "tests.benchmarks.history.program", str(runs)))
        stack.callback(program.kill)
        history = History(program, deployment)
        history.heard()
        yield history
