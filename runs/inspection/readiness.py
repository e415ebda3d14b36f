"""What a deployment needs besides its database to be of use: the secrets that the operator says it must have."""

import os
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from kneo_project.redaction import REDACTED
from runs.agents.credentials import Credential, Vault


def secrets_needed() -> dict[str, dict[str, Any]]:
    """Return the checks ``providers`` and ``mcp``: fine when every secret that was named is there."""
    named = (*settings.HEALTH_PROVIDERS, *settings.HEALTH_MCP_SECRETS)
    vault = Vault(environ=os.environ, refs=(*settings.SECRET_REFS, *named))
    return {
        "providers": _check("providers", vault.providers(settings.HEALTH_PROVIDERS)),
        "mcp": _check("mcp", vault.others(settings.HEALTH_MCP_SECRETS)),
    }


def _check(name: str, secrets: Mapping[str, Credential]) -> dict[str, Any]:
    if not secrets:
        return {"name": name, "ok": True, "configured": False}
    items = {
        key: {
            "name": secret.name,
            "env_var": secret.env_var,
            "present": secret.is_present,
            "value": REDACTED if secret.is_present else None,
        }
        for key, secret in secrets.items()
    }
    return {"name": name, "ok": all(item["present"] for item in items.values()), "configured": True, "items": items}
