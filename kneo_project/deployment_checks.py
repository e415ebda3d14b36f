"""What production must not have: ``manage.py check --deploy``, and ``manage.py doctor`` where there is a server."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning

from kneo_project.client_addresses import is_loopback

SHORTEST_KEY = 20
_PROTECTED = frozenset({"require", "verify-ca", "verify-full"})


def is_embedded() -> bool:
    """Whether the database is a file of this machine, and no server."""
    return settings.DATABASE_URL.startswith("sqlite")


def check_hosts(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The service answers for its own names only."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    text = "KNEO_SERV_ALLOWED_HOSTS lets everybody choose under which name the service speaks."
    return [Warning(text, hint="Name the hosts.", id="kneo.W006")]


def check_length_of_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """No key can be guessed."""
    listed = [entry.split(":", 2) for entry in settings.API_KEYS.split(";") if entry.count(":") >= 2]
    keys = {fields[0].strip(): fields[1].strip() for fields in listed} | {"admin": settings.ADMIN_API_KEY}
    short = sorted(name for name, key in keys.items() if key and len(key) < SHORTEST_KEY)
    if not short:
        return []
    text = f"Keys of fewer than {SHORTEST_KEY} characters can be guessed: {', '.join(short)}."
    return [Warning(text, hint="Make random ones, or let manage.py apikey make them.", id="kneo.W007")]


def check_broker(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The broker is one that other machines reach, and with a password that not everybody knows."""
    place = urlsplit(settings.BROKER_URL)
    if place.scheme == "kneo-files":
        if is_embedded():
            return []
        text = "The broker is a directory of this machine: workers on others only hear of runs from the sweep."
        return [Warning(text, hint="Set KNEO_SERV_BROKER_URL, unless all is on one machine.", id="kneo.W008")]
    if place.username == "guest" and not is_loopback(place.hostname or ""):
        text = "The broker is asked as guest, whose password everybody knows."
        return [Warning(text, hint="Give the service a user of its own there.", id="kneo.W009")]
    return []


def check_way_to_database(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """What goes to a database elsewhere is encrypted."""
    place = urlsplit(settings.DATABASE_URL)
    if is_embedded() or not place.hostname or is_loopback(place.hostname):
        return []
    if _PROTECTED & set(parse_qs(place.query).get("sslmode", [])):
        return []
    text = "Connections to the database need not be encrypted."
    return [Warning(text, hint="Add ?sslmode=verify-full to KNEO_SERV_DATABASE_URL.", id="kneo.W010")]


DEPLOYMENT_CHECKS: tuple[Callable[..., Sequence[CheckMessage]], ...] = (
    check_hosts,
    check_length_of_keys,
    check_broker,
    check_way_to_database,
)
