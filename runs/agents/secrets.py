"""Secrets of the service that a spec may name, and never holds."""

from collections.abc import Mapping
from pathlib import Path

from kneo_project.redaction import mask
from runs.agents.errors import MissingSecret, SecretNotAllowed
from runs.agents.settings import AgentSettings


def lookup(ref: str, environ: Mapping[str, str]) -> str:
    """Return what the variable ``ref`` of ``environ`` holds, or the file that ``ref``\\ ``_FILE`` names; "" is nothing.

    From then on it is masked wherever it would appear.
    """
    secret = environ.get(ref, "").strip() or _in_file(environ.get(f"{ref}_FILE", ""))
    mask(secret)
    return secret


def referenced_secret(ref: str, settings: AgentSettings) -> str:
    """Return the secret that a spec names by ``ref``.

    Raises:
        SecretNotAllowed: it is not in ``settings.secret_refs``.
        MissingSecret: it is not set, or cannot be sent.
    """
    secret = referenced_text(ref, settings)
    if not (secret.isascii() and secret.isprintable()):
        raise MissingSecret(f"The environment variable {ref} holds what cannot be sent.")
    return secret


def referenced_text(ref: str, settings: AgentSettings) -> str:
    """Return the secret that a spec names by ``ref``, which may have several lines.

    Raises:
        SecretNotAllowed: it is not in ``settings.secret_refs``.
        MissingSecret: it is not set.
    """
    if ref not in settings.secret_refs:
        raise SecretNotAllowed("A secret that this spec refers to is not one of KNEO_SERV_SECRET_REFS.")
    secret = lookup(ref, settings.environ)
    if not secret:
        raise MissingSecret(f"The environment variable {ref} is not set, and no file {ref}_FILE can be read.")
    return secret


def _in_file(name: str) -> str:
    """Return what the file holds; one that cannot be read holds nothing, as a variable that is not set."""
    try:
        return Path(name).read_text(encoding="utf-8").strip() if name else ""
    except (OSError, UnicodeDecodeError):
        return ""
