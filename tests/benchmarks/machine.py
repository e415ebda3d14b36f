"""What the figures were measured on: no figure means anything without it."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

NOISY_LOAD_PER_CORE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine and its servers; ``load`` is the average of the last minute before the first measurement."""

    measured_at: datetime
    cores: int
    python: str
    postgres: str
    load: float

    @property
    def is_busy(self) -> bool:
        """Whether others use so much of the machine that the figures will be noisy."""
        return self.load > NOISY_LOAD_PER_CORE * self.cores

    def __str__(self) -> str:
        moment = self.measured_at.strftime("%Y-%m-%d %H:%M UTC")
        servers = f"Python {self.python}, PostgreSQL {self.postgres}"
        return f"{moment}, {self.cores} cores, {servers}, load {self.load:.2f} at start"


def this_machine(database_url: str) -> Machine:
    """Describe the machine that this runs on and the PostgreSQL server at ``database_url``."""
    with psycopg.connect(database_url) as connection:
        postgres = connection.info.parameter_status("server_version") or "unknown"
    return Machine(
        measured_at=datetime.now(UTC),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        python=platform.python_version(),
        postgres=postgres.partition(" ")[0],
        load=os.getloadavg()[0],
    )
