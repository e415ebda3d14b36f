"""System checks: settings that cannot work refuse to start, and ones that surprise warn."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from kneo_project import queues
from kneo_project.client_addresses import is_loopback
from kneo_project.deployment_checks import DEPLOYMENT_CHECKS, is_embedded
from kneo_project.oidc import client_trust, trust
from kneo_project.principals import keyring
from kneo_project.variables import PREFIX, renamed_in, unknown_in, unused_in

SHORTEST_LEASE_SECONDS = 3
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

type Check = Callable[..., Sequence[CheckMessage]]


def refuse_impossible_settings() -> None:
    """Stop a server process before it serves.

    Raises:
        ImproperlyConfigured: with the sentence of every error found.
    """
    errors = [message for check in CHECKS for message in check(None) if message.is_serious()]
    if errors:
        raise ImproperlyConfigured(" ".join(f"({error.id}) {error.msg}" for error in errors))


def check_secret_key(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """On a shared database every process needs the same key, so it cannot be one made on this machine."""
    if is_embedded() or settings.HAS_OWN_SECRET_KEY:
        return []
    return [Error("KNEO_SERV_SECRET_KEY must be set when KNEO_SERV_DATABASE_URL names a server.", id="kneo.E001")]


def check_api_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The API keys can be read; without any, the API is not reachable from elsewhere."""
    try:
        keys = keyring()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="kneo.E002")]
    warnings: list[CheckMessage] = []
    if keys.has_shadowed_admin_key:
        text = "KNEO_SERV_ADMIN_API_KEY is also in KNEO_SERV_API_KEYS; the grants listed there apply."
        warnings.append(Warning(text, id="kneo.W001"))
    public = [host for host in settings.ALLOWED_HOSTS if not is_loopback(host)]
    if public and not keys.is_enforced:
        text = "Anybody who reaches this service may do everything: there is no API key and KNEO_SERV_ALLOWED_HOSTS "
        warnings.append(Warning(text + f"names {', '.join(public)}.", hint="Set KNEO_SERV_API_KEYS.", id="kneo.W002"))
    return warnings


def check_lease(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A lease lasts long enough to be renewed twice before it lapses."""
    if settings.WORKER_LEASE_SECONDS >= SHORTEST_LEASE_SECONDS:
        return []
    text = f"KNEO_SERV_WORKER_LEASE_SECONDS must be at least {SHORTEST_LEASE_SECONDS}: it is renewed every third of it."
    return [Error(text, id="kneo.E003")]


def check_secret_refs(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Specs may name keys of model endpoints, and never a secret of the service itself."""
    return [
        Error(
            f"KNEO_SERV_SECRET_REFS entry {position} must be the name of an environment variable that does not start "
            f"with {PREFIX}: a spec could send its value to an endpoint of its choice.",
            id="kneo.E004",
        )
        for position, name in enumerate(settings.SECRET_REFS, start=1)
        if not _ENVIRONMENT_NAME.fullmatch(name) or name.upper().startswith(PREFIX)
    ]


def check_oidc(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """An identity provider is named in full, or not at all."""
    try:
        trust()
        client_trust()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="kneo.E005")]
    return []


def check_rate_limits(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Requests are counted where they can be."""
    if urlsplit(settings.RATE_LIMIT_STORAGE).scheme in {"memory", "redis", "rediss"}:
        return []
    text = "KNEO_SERV_RATE_LIMIT_STORAGE must be memory://, or the address of a Redis: redis://… or rediss://…"
    return [Error(text, id="kneo.E006")]


def check_queues(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Queues have names that every broker can have, and workers take runs from queues that there are."""
    unfit = [name for name in queues.names() if not queues.QUEUE_NAME.fullmatch(name)]
    unknown = [name for name in queues.of_workers() if name not in queues.names()]
    text = "KNEO_SERV_QUEUES names {}: a queue is 1 to 64 small letters and digits; after the first also _ and -"
    errors = [Error(text.format(repr(name)), id="kneo.E007") for name in unfit]
    text = "KNEO_SERV_WORKER_QUEUES names {}, which is no queue: those of KNEO_SERV_QUEUES are, and default."
    return [*errors, *(Error(text.format(repr(name)), id="kneo.E008") for name in unknown)]


def check_variables(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Each variable of ours is read by somebody, and under its present name."""
    strange = [
        Warning(
            f"{name} is read by nobody.",
            hint=f"Did you mean {meant}?" if meant else "docs/environment.md names every variable.",
            id="kneo.W003",
        )
        for name, meant in unknown_in(os.environ).items()
    ]
    renamed = [
        Warning(f"{old} is called {new} now.", hint="Rename it: a later release forgets the old name.", id="kneo.W004")
        for old, new in renamed_in(os.environ).items()
    ]
    unused = [
        Warning(f"{name} has no effect here.", hint="docs/differences.md says why; remove it.", id="kneo.W005")
        for name in unused_in(os.environ)
    ]
    return [*strange, *renamed, *unused]


CHECKS: tuple[Check, ...] = (
    check_secret_key,
    check_api_keys,
    check_lease,
    check_secret_refs,
    check_oidc,
    check_rate_limits,
    check_queues,
    check_variables,
)


def register_checks() -> None:
    """Let ``manage.py check``, and every command that checks first, run them."""
    for check in CHECKS:
        register(check)
    for check in DEPLOYMENT_CHECKS:
        register(check, deploy=True)
