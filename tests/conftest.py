"""What every ring shares: the rings that need a server are skipped by name without it, and fail in CI."""

import pytest

from tests import services
from tests.settings import DATABASE


def pytest_configure() -> None:
    """Stop at once, and say why, when the asked database is not there."""
    if DATABASE == "postgres" and (reason := services.POSTGRES.missing):
        pytest.exit(f"FAILED {reason}" if services.IN_CI else f"SKIPPED {reason}", returncode=int(services.IN_CI))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail in CI, a test whose server is missing."""
    for service in services.SERVICES:
        if item.get_closest_marker(service.marker) and (reason := service.missing):
            if services.IN_CI:
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
