"""``python -m tests.benchmarks.roles``: the memory of each program and its connections to the database. Linux only."""

import os
import re
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from tests import services
from tests.acceptance.processes import Process
from tests.benchmarks.bench import Bench, open_bench
from tests.benchmarks.clients import connected, order_of
from tests.benchmarks.machine import this_machine
from tests.benchmarks.memory import KIB, peak_bytes, processes_of, resident_bytes
from tests.benchmarks.options import options_of

CLIENTS, RUNS, QUICK_RUNS = 32, 3_000, 300
MEBI = KIB * KIB


def main(arguments: Sequence[str]) -> int:
    """Measure and print; return 1 when that is impossible."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    options = options_of(arguments, program="tests.benchmarks.roles", description="Weigh the programs.")
    console = Console(stderr=True)
    if missing := [each.missing for each in (services.POSTGRES, services.RABBITMQ) if each.missing]:
        console.print("The benchmark needs PostgreSQL and RabbitMQ.", *missing, sep="\n")
        return 1
    machine = this_machine(services.POSTGRES.url)
    with (
        tempfile.TemporaryDirectory(prefix="kneo-bench-") as folder,
        open_bench(Path(folder)) as bench,
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
    ):
        roles = _roles(bench, listener)
        idle = {name: _line(process) for name, process in roles.items()}
        _load(bench, QUICK_RUNS if options.quick else RUNS)
        sys.stdout.write(f"{'program':<10}{'MiB':>8}{'connections':>14}{'MiB, most':>12}{'connections':>14}\n")
        for name, process in roles.items():
            size, connections = idle[name]
            peak = (peak_bytes(process) or 0) / MEBI
            sys.stdout.write(f"{name:<10}{size:>8.0f}{connections:>14}{peak:>12.0f}{_line(process)[1]:>14}\n")
    sys.stdout.write(f"{machine}\n")
    return 0


def _roles(bench: Bench, listener: socket.socket) -> dict[str, Process]:
    """Return the programs, each of which has done something."""
    bench.deployment.serve_events(listener)
    [worker] = bench.deployment.scale(1)
    _load(bench, 10)
    beat, web, events = bench.deployment.processes[:3]
    return {"web": web, "worker": worker, "beat": beat, "events": events}


def _load(bench: Bench, runs: int) -> None:
    """Have many clients create ``runs`` at once, and wait until these have ended."""

    def create() -> None:
        with connected(bench) as client:
            for _ in range(max(1, runs // CLIENTS)):
                client.create(order_of("roles", steps=3))

    clients = [threading.Thread(target=create) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    bench.wait_until_rested()


def _line(process: Process) -> tuple[float, int]:
    """Return the resident memory, in MiB, and the connections to the database."""
    connections = sum(_connections(folder) for folder in processes_of(process))
    return (resident_bytes(process) or 0) / MEBI, connections


def _connections(folder: Path) -> int:
    port = urlsplit(services.POSTGRES.url).port or 5432
    rows = [line.split() for line in (folder / "net" / "tcp").read_text().splitlines()[1:]]
    to_database = {row[9] for row in rows if int(row[2].rpartition(":")[2], 16) == port}
    links = [re.match(r"socket:\[(\d+)\]", str(each.readlink())) for each in (folder / "fd").iterdir()]
    return sum(bool(link and link[1] in to_database) for link in links)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
