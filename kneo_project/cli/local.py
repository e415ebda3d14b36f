"""The service in this process: the same API, on the settings and the database of this installation."""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import httpx2
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.exceptions import InconsistentMigrationHistory

from kneo_project.checks import refuse_impossible_settings
from kneo_project.cli.service import Patience, Service
from kneo_project.errors import InvalidRequest
from kneo_project.principals import ENVIRON_KEY, EVERY_SCOPE, Principal
from kneo_project.schema import schema_difference

# Whoever can read the settings and the database needs no key; the audit log names them so.
OPERATOR = Principal(name="cli", scopes=frozenset({EVERY_SCOPE}))
ONE_ATTEMPT = Patience(retries=0)

type Environ = dict[str, Any]
type WsgiApplication = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class InstallationUnusable(InvalidRequest):
    """This installation cannot be used."""

    code = "installation_unusable"


def set_up_django() -> None:
    """Make this process one of the installation's.

    Raises:
        InstallationUnusable: the settings make no sense.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kneo_project.settings")
    # Functions of specs lie where the specs do, and a console script does not look there.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    try:
        if not apps.ready:
            django.setup()
        refuse_impossible_settings()
    except ImproperlyConfigured as error:
        raise InstallationUnusable(f"The settings are wrong: {error}") from None


@contextmanager
def open_installation() -> Iterator[Service]:
    """Set up this process, and yield its own service.

    Raises:
        InstallationUnusable: the settings or the database are not fit.
    """
    set_up_django()
    with _without_logs(), _without_waiting():
        _prepare_database()
        transport = httpx2.WSGITransport(app=_for_the_operator(WSGIHandler()))
        with Service(httpx2.Client(transport=transport, base_url=_own_url()), ONE_ATTEMPT, is_local=True) as service:
            yield service


def _for_the_operator(application: WSGIHandler) -> WsgiApplication:
    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        return application({**environ, ENVIRON_KEY: OPERATOR}, start_response)

    return answer


def _own_url() -> str:
    """Return a URL with a host that the settings allow."""
    host = next(iter(settings.ALLOWED_HOSTS), "*")
    return f"http://{'localhost' if host == '*' else host.removeprefix('.')}"


@contextmanager
def _without_logs() -> Iterator[None]:
    """Keep the log lines of a service off a person's terminal, unless the settings ask for all there are."""
    before = logging.root.manager.disable
    if settings.LOG_LEVEL != "DEBUG":
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _without_waiting() -> Iterator[None]:
    """Let no request wait for a worker: this process is going to do the work itself."""
    before, settings.SYNC_WAIT_SECONDS = settings.SYNC_WAIT_SECONDS, 0.0
    try:
        yield
    finally:
        settings.SYNC_WAIT_SECONDS = before


def _prepare_database() -> None:
    try:
        if connection.vendor == "sqlite" and not connection.introspection.table_names():
            call_command("migrate", interactive=False, verbosity=0)
        difference = schema_difference()
    except CommandError as error:
        raise InstallationUnusable(str(error)) from None
    except (DatabaseError, InconsistentMigrationHistory) as error:
        raise InstallationUnusable(f"The database cannot be used ({type(error).__name__}).") from None
    if reason := difference.reason_to_refuse:
        raise InstallationUnusable(reason[0].upper() + reason[1:])
