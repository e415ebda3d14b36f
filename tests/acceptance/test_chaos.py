"""Workers killed and frozen, messages lost, while runs of every shape are under way: all end as they should."""

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests import services
from tests.acceptance.conditions import until
from tests.acceptance.deployment import Deployment, Job
from tests.acceptance.judging import misdone
from tests.acceptance.shapes import SHAPES
from tests.acceptance.sites import Site, open_site

pytestmark = [pytest.mark.storm, pytest.mark.postgres, pytest.mark.rabbitmq]
ROUNDS = 60
WORKERS = 3
PROGRESS = 10
# A run that is hit by many of the kills is not to blame for any.
SETTINGS = {"KNEO_SERV_QUEUE_MAX_ATTEMPTS": "0"}


@pytest.mark.parametrize("seed", range(2))
def test_every_run_ends_as_it_should_whatever_happens_to_workers(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with open_site(services.RABBITMQ, tmp_path, SETTINGS) as site:
        deployment = site.deployment
        deployment.scale(WORKERS)
        with deployment.supervised(), ThreadPoolExecutor(1) as creator:
            created = creator.submit(create, deployment)
            kills = harass(site, dice, ROUNDS * len(SHAPES))
            jobs = created.result()
        wrong = []
        for name, job in jobs:
            run = deployment.api.run(job.run_id)
            output, starts = SHAPES[name].output(job.ledger.token), SHAPES[name].starts()
            told = misdone(run, job.ledger, output=output, starts=starts, disturbed=kills)
            wrong += [f"{name}: {each}" for each in told]
        assert wrong == []
        assert kills > 3, "hardly anything happened"
        print(f"{len(jobs)} runs, {kills} workers killed")  # noqa: T201 - a storm tells how strong it was


def create(deployment: Deployment) -> list[tuple[str, Job]]:
    """Start runs of every shape, one after another."""
    return [(name, deployment.start(shape.spec(by="stroll"))) for _ in range(ROUNDS) for name, shape in SHAPES.items()]


def harass(site: Site, dice: random.Random, count: int) -> int:
    """Do one bad thing after another until ``count`` runs have completed; return how many workers were killed."""
    deployment, kills, done = site.deployment, 0, 0
    while done < count:
        assert deployment.api.count(status="failed") == 0
        kills += harm(site, deployment, dice)
        enough = min(count, done + PROGRESS)
        until(partial(deployment.has_completed, enough), within=60, what="more runs complete")
        done = deployment.api.count(status="completed")
    return kills


def harm(site: Site, deployment: Deployment, dice: random.Random) -> int:
    """Do one bad thing; return how many workers that killed."""
    victim = dice.choice(deployment.workers)
    match dice.choice(("kill", "kill", "freeze", "purge")):
        case "kill":
            victim.kill()
            return 1
        case "freeze":
            victim.freeze()
            deployment.api.count(status="running")
            victim.thaw()
        case "purge":
            site.broker.purge()
    return 0
