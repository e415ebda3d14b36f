"""The shape of a production under load and bad luck: what was promised is kept, and what is stored fits together."""

import itertools
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.conditions import let_pass, until
from tests.acceptance.deployment import Deployment
from tests.acceptance.orders import SHORT, TAG, Clients, Order
from tests.acceptance.processes import Process
from tests.acceptance.production import KEY, Premises, Production, open_premises
from tests.acceptance.servers import Server
from tests.acceptance.smoking import smoke

SECONDS = float(os.environ.get("KNEO_TEST_STORM_SECONDS", "120"))
pytestmark = [pytest.mark.storm, pytest.mark.own_servers, pytest.mark.timeout(SECONDS + 900)]
OUTAGE_SECONDS = 6.0
PROGRESS = 2
OLD = "old"
FILLING = 30
SETTINGS = {
    "KNEO_SERV_QUEUE_MAX_ATTEMPTS": "0",  # a run that is hit by many of the faults is not to blame for any
    "KNEO_SERV_RETENTION_RUNS_DAYS": "30",
    "KNEO_SERV_RETENTION_SECONDS": "5",
}


@pytest.fixture
def premises(tmp_path: Path) -> Iterator[Premises]:
    with open_premises(tmp_path, SETTINGS) as opened:
        yield opened


@pytest.fixture
def deployment(premises: Premises) -> Deployment:
    return premises.production


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What bad luck does to a production while its clients go on."""

    premises: Premises
    clients: Clients
    old: list[Order]
    dice: random.Random

    @property
    def production(self) -> Production:
        """Return the programs that it happens to."""
        return self.premises.production

    def faults(self) -> dict[str, Callable[[], object]]:
        """Return each kind of bad luck by its name."""
        roles, postgresql, rabbitmq = ("web", "worker", "beat"), self.premises.postgresql, self.premises.rabbitmq
        return {
            **{f"kill {role}": partial(self.kill, role) for role in roles},
            "kill PostgreSQL": partial(crash, postgresql),
            "kill RabbitMQ": partial(crash, rabbitmq),
            "prune": self.prune,
            **{f"stop {role}": partial(self.stop, role) for role in roles},
            "restart PostgreSQL": partial(restart, postgresql),
            "fill the queue": self.fill,
            **{f"kill every {role}": partial(self.kill_all, role) for role in roles},
            "restart RabbitMQ": partial(restart, rabbitmq),
            "break the connections to PostgreSQL": self.premises.database.terminate_connections,
            "lose every message": self.premises.broker.purge,
            "audit": partial(audit, self.production),
        }

    def kill(self, role: str) -> None:
        """Kill one of that role."""
        self._one_of(role).kill()

    def stop(self, role: str) -> None:
        """Stop one of that role, as a roll-out does."""
        victim = self._one_of(role)
        victim.terminate()
        victim.wait_gone(within=60)
        assert victim.exit_status == 0, victim.tail()

    def kill_all(self, role: str) -> None:
        """Kill all of that role."""
        for victim in self.production.all_of(role):
            victim.kill()

    def fill(self) -> None:
        """Order much at once, and ring for what is there."""
        orders = self.clients.order(SHORT, count=FILLING)
        self.clients.orders += orders
        for order in orders:
            self.premises.broker.ring(order.job.run_id, times=10)

    def prune(self) -> None:
        """Let what was ordered for it be old, prune it, and order more."""
        self.premises.database.age(OLD, days=60)
        told = self.production.manage("prune", "--kind", "runs")
        assert told.returncode == 0, told.stderr
        self.old.extend(self.clients.order(SHORT, count=5, tag=OLD))

    def _one_of(self, role: str) -> Process:
        return self.dice.choice(self.production.all_of(role))


def restart(server: Server) -> None:
    """Let a server end in order, and be away for a moment."""
    server.stop()
    let_pass(OUTAGE_SECONDS)
    server.start()


def crash(server: Server) -> None:
    """Kill a server, and start it again on what it left."""
    server.kill()
    server.start()


@pytest.fixture
def storm(premises: Premises) -> Iterator[Storm]:
    production = premises.production
    with production.supervised(), Clients(production) as clients:
        yield Storm(premises=premises, clients=clients, old=[], dice=random.Random(0))


def test_what_was_promised_is_kept_and_all_that_is_stored_fits_together(storm: Storm) -> None:
    production, clients = storm.production, storm.clients
    assert_the_service_works(production)

    befell = rage(storm)

    assert clients.come_to_rest(disturbed=befell.total()) == []
    assert production.api.count(tag=TAG) == len(clients.orders)
    until(partial(old_runs_are_gone, storm), within=60, what="what is old is pruned")
    audit(production)
    assert_the_service_works(production)
    strength = f"{len(clients.orders)} runs, {len(storm.old)} pruned, {production.client.again} calls made again"
    print(f"{strength}; {dict(befell)}")  # noqa: T201 - a storm tells how strong it was


def rage(storm: Storm) -> Counter[str]:
    """Let one fault after another happen while the storm lasts, and each at least once; return how often each did."""
    production, befell, faults = storm.production, Counter[str](), storm.faults()
    ends_at = time.monotonic() + SECONDS
    for name, fault in itertools.cycle(faults.items()):
        if time.monotonic() > ends_at and befell.keys() == faults.keys():
            break
        enough = production.api.count(status="completed") + PROGRESS
        fault()
        befell[name] += 1
        until(partial(production.has_completed, enough), within=90, what=f"work goes on after: {name}")
    return befell


def audit(production: Production) -> None:
    """Have the service say whether all that is stored fits together."""
    told = production.manage("doctor", "--audit", "--json")
    assert (json.loads(told.stdout)["breaches"], told.returncode) == ([], 0)


def old_runs_are_gone(storm: Storm) -> bool:
    """Prune what is old once more; return whether nothing is left of it."""
    storm.premises.database.age(OLD, days=60)
    assert storm.production.manage("prune", "--kind", "runs").returncode == 0
    return storm.production.api.count(tag=OLD) == 0


def assert_the_service_works(production: Production) -> None:
    """Run what an operator runs after a deploy."""
    told = smoke(production.url, KNEO_SERV_API_KEY=KEY)
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "All is well: 10 checks."), told.stdout
