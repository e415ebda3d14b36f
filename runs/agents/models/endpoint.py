"""Where a model is served, and with which key: the part of a spec that steers real network calls and secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from kneo_project.net.addresses import web_address
from runs.agents.errors import HostNotAllowed, MissingSecret, ProviderError, SecretNotAllowed
from runs.agents.secrets import lookup
from runs.agents.settings import AgentSettings
from runs.agents.tools.domains import is_refused
from specs.language.agent_plan import ModelPlan

# What model.extra says about the connection; all its other keys are parameters of the request.
CONNECTION_KEYS = frozenset({"base_url", "api_key", "api_key_ref"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where a format is spoken unless the spec says otherwise: address, path below it, key, and model."""

    base_url: str
    path: str
    key_ref: str
    model: str


OPENAI = Service(
    base_url="https://api.openai.com/v1", path="/chat/completions", key_ref="OPENAI_API_KEY", model="gpt-4o"
)
ANTHROPIC = Service(
    base_url="https://api.anthropic.com/v1", path="/messages", key_ref="ANTHROPIC_API_KEY", model="claude-sonnet-4-5"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model at one address."""

    url: httpx2.URL
    model: str
    timeout_seconds: float
    api_key: str | None = field(repr=False)

    @property
    def shown(self) -> str:
        """The address as it may appear in a message: without a query, where some servers expect their key."""
        return str(self.url.copy_with(query=None, fragment=None))


def endpoint_of(model: ModelPlan | None, settings: AgentSettings, service: Service = OPENAI) -> Endpoint:
    """Return the endpoint that ``model`` asks for; without a model, the default one of ``service``.

    Raises:
        SecretNotAllowed: the spec names a variable that is not in ``settings.secret_refs``.
        MissingSecret: the variable is not set, or cannot be a key.
        ProviderError: the base URL is not one.
        HostNotAllowed: its host is not one of ``settings.model_hosts``, if there are any.
    """
    extra = model.extra if model else {}
    url = _url(extra.get("base_url") or service.base_url, service.path)
    if settings.model_hosts and is_refused(url.raw_host.decode("ascii"), allowed=settings.model_hosts, denied=()):
        raise HostNotAllowed(f"The model endpoint {url.host!r} is not on one of KNEO_SERV_MODEL_HOSTS.")
    return Endpoint(
        url=url,
        model=(model.name if model else "") or service.model,
        timeout_seconds=(model.timeout_seconds if model else None) or settings.timeout_seconds,
        api_key=_api_key(extra, settings, service.key_ref),
    )


def _url(base_url: object, path: str) -> httpx2.URL:
    url = web_address(base_url)
    if url is None:
        message = "model.extra.base_url must be an http or https URL with a host and without a user name or password."
        raise ProviderError(message, status=None, retriable=False)
    return url.copy_with(path=f"{url.path.rstrip('/')}{path}")


def _api_key(extra: Mapping[str, Any], settings: AgentSettings, default_ref: str) -> str | None:
    """Return the key to send, if any: the referenced one, else the literal one, else the default one.

    The default key goes to the default address only: a spec must name a key to have it sent to a server of its choice.
    """
    if extra.get("api_key_ref"):
        return _secret(extra["api_key_ref"], settings)
    if extra.get("api_key"):
        if not settings.allows_literal_keys:
            message = "A key must not stand in a spec (model.extra.api_key); name it by api_key_ref."
            raise SecretNotAllowed(message)
        return _usable(extra["api_key"], "model.extra.api_key")
    return None if extra.get("base_url") else _secret(default_ref, settings)


def _secret(ref: object, settings: AgentSettings) -> str:
    # The reference is not repeated: an author may have put the key itself there.
    if ref not in settings.secret_refs:
        message = "The key reference of this model (model.extra.api_key_ref) is not one of KNEO_SERV_SECRET_REFS."
        raise SecretNotAllowed(message)
    return _usable(lookup(str(ref), settings.environ), f"The environment variable {ref}")


def _usable(key: object, source: str) -> str:
    text = key.strip() if isinstance(key, str) else ""
    if not text:
        raise MissingSecret(f"{source} is not set; the model cannot be called without its key.")
    # Anything else would be refused by the HTTP library with a message that quotes the key.
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise MissingSecret(f"{source} does not hold a key: it has spaces, line breaks or non-ASCII characters.")
    return text
