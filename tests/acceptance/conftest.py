"""One deployment per broker for the whole ring, and the logs of its processes when a test fails."""

from collections.abc import Generator, Iterator

import pytest

from tests.acceptance import matrix
from tests.acceptance.brokers import BROKERS
from tests.acceptance.deployment import Deployment
from tests.acceptance.sites import Site, open_site


@pytest.fixture(scope="session", params=BROKERS)
def shared_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(request.param, tmp_path_factory.mktemp(request.param.marker)) as opened:
        yield opened


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    yield shared_site
    shared_site.broker.heal()


@pytest.fixture
def deployment(site: Site) -> Deployment:
    return site.deployment


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if cells := matrix.size():
        terminalreporter.write_line(f"fault matrix: {cells} cells of shape, fault and step")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    used = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Deployment)]
    if report.failed and used:
        report.sections += [(f"log of {process.name}", process.tail()) for process in used[0].processes]
    return report
