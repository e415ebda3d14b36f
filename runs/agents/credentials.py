"""Which secrets the service has: their names and whether they are there, never what they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runs.agents.secrets import lookup

PROVIDER_VARIABLES: Mapping[str, str] = {
    "openai": "OPENAI_API_KEY",
    "openai-agents": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google": "GOOGLE_API_KEY",
    "google-adk": "GOOGLE_API_KEY",
}
SERVICE_TOKENS = ("KNEO_SERV_API_KEY", "KNEO_SERV_API_KEYS", "KNEO_SERV_ADMIN_API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One secret: what it is for, and the variable (or the file that ``…_FILE`` names) that holds it."""

    name: str
    env_var: str
    is_present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """The variables of this process, and those of them (``refs``) that specs may name.

    Whether any other variable is set is nobody's business: it counts as missing.
    """

    environ: Mapping[str, str]
    refs: tuple[str, ...]

    def providers(self, names: Iterable[str] | None) -> dict[str, Credential]:
        """Return the keys of the providers ``names``; None means the known ones."""
        wanted = PROVIDER_VARIABLES if names is None else names
        return {name: self._of("provider", name, variable_of(name)) for name in wanted}

    def others(self, names: Iterable[str] | None) -> dict[str, Credential]:
        """Return the secrets ``names``; None means all that specs may name and that are no provider's."""
        known = PROVIDER_VARIABLES.values()
        wanted = [ref for ref in self.refs if ref not in known] if names is None else names
        return {name: self._of("extra", name, name) for name in wanted}

    def service_tokens(self) -> dict[str, Credential]:
        """Return the keys of the service's own callers."""
        return {
            name: Credential(name=f"service:{name}", env_var=name, is_present=bool(lookup(name, self.environ)))
            for name in SERVICE_TOKENS
        }

    def _of(self, kind: str, name: str, variable: str) -> Credential:
        may_tell = variable in self.refs or variable in PROVIDER_VARIABLES.values()
        is_present = may_tell and bool(lookup(variable, self.environ))
        return Credential(name=f"{kind}:{name}", env_var=variable, is_present=is_present)


def variable_of(provider: str) -> str:
    """Return the variable that holds the key of ``provider``."""
    return PROVIDER_VARIABLES.get(provider) or f"{provider.upper().replace('-', '_')}_API_KEY"
