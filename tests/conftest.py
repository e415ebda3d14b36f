"""What every ring shares: the rings that need a server are skipped by name without it, and fail in CI."""

from collections.abc import Iterable
from importlib import import_module

import pytest
from django.core.signals import setting_changed
from django.db import connection

from tests import services
from tests.settings import DATABASE


def pytest_configure() -> None:
    """Stop at once, and say why, when the asked database is not there."""
    setting_changed.connect(_forget_settings)
    if DATABASE == "postgres" and (reason := services.POSTGRES.missing):
        pytest.exit(f"FAILED {reason}" if services.IN_CI else f"SKIPPED {reason}", returncode=int(services.IN_CI))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Empty tables row by row after a test: PostgreSQL makes new files for each table and index that it truncates."""
    if connection.vendor == "postgresql":
        connection.ops.sql_flush = _sql_delete  # type: ignore[method-assign]


def _sql_delete(style: object, tables: Iterable[str], **_: object) -> list[str]:
    # Foreign keys are looked at when the transaction ends, so that any order will do.
    return [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]


def _forget_settings(**_: object) -> None:
    """Tests change settings while the process lives, which puts those of agents together only once."""
    agent_settings = import_module("runs.agent_work").agent_settings  # the apps are ready by now
    agent_settings.cache_clear()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail in CI, a test whose server is missing."""
    for service in services.SERVICES:
        if item.get_closest_marker(service.marker) and (reason := service.missing):
            if services.IN_CI:
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
