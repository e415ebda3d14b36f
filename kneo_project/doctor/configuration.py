"""Secrets and settings: what is missing, readable by others, misspelt, or makes no sense together. No value is told."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.utils.module_loading import import_string

from kneo_project.deployment_checks import is_embedded
from kneo_project.doctor.findings import Finding, ok, warning, wrong
from kneo_project.principals import keyring

SECRETS, SETTINGS = "secrets", "settings"
LONG_ENOUGH = 50
# Django's warning of a secret key that is too short: told above, with what it costs to change it.
TOLD_ABOVE = "security.W009"
_FILE = "_FILE"


def secrets() -> Iterator[Finding]:
    """Yield whether keys are there, long enough, and for the eyes of the service only."""
    yield _secret_key()
    yield _api_keys()
    yield from _files()
    yield from _needed()


def deployment() -> Iterator[Finding]:
    """Yield what the checks say, those for production included where the database is a server."""
    found = run_checks(include_deployment_checks=not is_embedded())
    messages = [each for each in found if each.id != TOLD_ABOVE and not each.is_silenced()]
    yield from map(_finding, messages)
    if not messages:
        yield ok(SETTINGS, "The settings fit together.")


def _secret_key() -> Finding:
    if not settings.HAS_OWN_SECRET_KEY:
        kept = settings.STATE_DIR / "secret_key"
        if kept.exists() and _is_open(kept):
            return warning(SECRETS, f"Others may read {kept}.", f"Run: chmod 600 {kept}")
        return ok(SECRETS, "The secret key is the one that was made for this machine, in its state directory.")
    if len(settings.SECRET_KEY) < LONG_ENOUGH:
        remedy = "Set a random one of 50 characters; sessions of the admin end with the old one."
        return warning(SECRETS, f"KNEO_SERV_SECRET_KEY has fewer than {LONG_ENOUGH} characters.", remedy)
    return ok(SECRETS, "KNEO_SERV_SECRET_KEY is set.")


def _api_keys() -> Finding:
    keys = keyring()
    if keys.is_enforced:
        return ok(SECRETS, f"Requests need a key or a token; {len(keys.entries)} keys are in the settings.")
    text = "No request needs a key: whoever reaches the service may do everything."
    return warning(SECRETS, text, "Set KNEO_SERV_API_KEYS, unless only this machine reaches it.")


def _files() -> Iterator[Finding]:
    """Yield the files of secrets that cannot be read, or that too many can read."""
    for name in sorted(name for name in os.environ if name.endswith(_FILE) and _is_ours(name)):
        path = Path(os.environ[name])
        if not path.is_file() or not os.access(path, os.R_OK):
            yield wrong(SECRETS, f"The file that {name} names cannot be read.", "Mount it, or correct the path.")
        elif _is_open(path):
            yield warning(SECRETS, f"Every user may read the file that {name} names.", "Run: chmod o-rwx on it")


def _is_ours(name: str) -> bool:
    return name.startswith("KNEO_SERV_") or name.removesuffix(_FILE) in settings.SECRET_REFS


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))


def _needed() -> Iterator[Finding]:
    """Yield what the operator says must be there, and is not: the service is not ready without."""
    for name in settings.READINESS_CHECKS:
        for check in import_string(name)().values():
            absent = [item["env_var"] for item in check.get("items", {}).values() if not item["present"]]
            if absent:
                text = f"Not set, though {check['name']} need it: {', '.join(absent)}."
                yield wrong(SECRETS, text, "Set it, or take it out of KNEO_SERV_HEALTH_PROVIDERS or …_MCP_SECRETS.")


def _finding(message: CheckMessage) -> Finding:
    text = f"{message.msg} ({message.id})"
    remedy = message.hint or "The number leads to more in the documentation of the settings."
    return wrong(SETTINGS, text, remedy) if message.is_serious() else warning(SETTINGS, text, remedy)
