"""A project's own settings for its specs: the content of ``.kneo/config.yaml``."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from specs.language.policy import EnvironmentPolicy
from specs.language.schema.agents import RuntimeMode

type Days = Annotated[int, Field(ge=0)] | None


class Section(BaseModel):
    """A block of settings. Keys that are not known are kept aside and change nothing; ``ignored_keys`` names them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def stated(self) -> dict[str, Any]:
        """Return the known settings that the file states, without those that have their default."""
        return self.model_dump(include=self.model_fields_set & set(type(self).model_fields))

    def ignored_keys(self) -> Iterator[str]:
        """Yield the dotted path of every key that is not known."""
        yield from self.model_extra or ()
        for name in type(self).model_fields:
            yield from (f"{name}.{key}" for key in _ignored_in(getattr(self, name)))


class Identity(Section):
    """Whose specs these are."""

    name: str
    owner: str | None = None
    description: str | None = None
    default_environment: str = "dev"
    tags: list[str] = []


class Service(Section):
    """The service that runs the specs."""

    default_url: str | None = None
    timeout_seconds: float = 120
    headers: dict[str, str] = {}


class Local(Section):
    """Where local files lie, below the root of the project."""

    state_path: str = ".kneo/kneo_runs.sqlite"
    artifact_path: str = ".kneo/artifacts"
    log_path: str = ".kneo/logs"
    cache_path: str = ".kneo/cache"
    create_missing_dirs: bool = True


class SpecFiles(Section):
    """Which files the specs are."""

    default_spec: str | None = None
    overlays: dict[str, list[str]] = {}
    include_paths: list[str] = []
    validate_on_run: bool = True


class RuntimeDefaults(Section):
    """What the root agent's ``runtime_preferences`` are where it does not say."""

    preferred_mode: RuntimeMode | None = "bridge"
    allowed_modes: list[RuntimeMode] | None = ["bridge"]
    fallback_mode: RuntimeMode | None = None
    native_provider: str | None = None
    adapter_ref: str | None = None
    bridge_provider: str | None = None


class ModelDefaults(Section):
    """What the root agent's ``model`` is in one environment where it does not say."""

    provider: str | None = None
    name: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    timeout_seconds: int | None = None
    extra: dict[str, Any] = {}


class Checkpointing(Section):
    """A default that is recorded in the spec and read by nothing."""

    enabled: bool = True
    mode: Literal["none", "run", "step", "node"] = "step"


class Logging(Section):
    """A default that is recorded in the spec and read by nothing."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Tracing(Section):
    """A default that is recorded in the spec and read by nothing."""

    enabled: bool = True
    include_messages: bool = False
    include_tool_results: bool = True


class DefaultGuardrails(Section):
    """A default that is recorded in the spec and read by nothing."""

    enable_default_input_filter: bool = False
    enable_default_output_review: bool = False


class PolicyDefaults(Section):
    """What is recorded under ``policies.project_defaults`` of a spec."""

    checkpointing: Checkpointing = Checkpointing()
    logging: Logging = Logging()
    tracing: Tracing = Tracing()
    guardrails: DefaultGuardrails = DefaultGuardrails()


class Secrets(Section):
    """Which environment variable holds which secret; never a secret itself."""

    provider_env: dict[str, str] = {}
    extra_env: dict[str, str] = {}


class Retention(Section):
    """For how many days records are kept; null is for ever."""

    runs_days: Days = None
    checkpoints_days: Days = None
    queue_days: Days = None
    continuations_days: Days = None
    audit_days: Days = None
    idempotency_days: Days = None
    artifacts_days: Days = None
    logs_days: Days = None
    bulk_days: Days = None
    tallies_days: Days = None
    webhooks_days: Days = None
    snapshots_days: Days = None


class ConfiguredPolicy(EnvironmentPolicy, Section):
    """The demands of an environment as a project states them."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Environment(Section):
    """What is particular to one environment."""

    defaults: dict[str, Any] = {}
    policy_enforcement: ConfiguredPolicy | None = None


class ProjectConfig(Section):
    """The whole file."""

    project: Identity
    service: Service = Service()
    local: Local = Local()
    specs: SpecFiles = SpecFiles()
    runtime_defaults: RuntimeDefaults = RuntimeDefaults()
    model_defaults: dict[str, ModelDefaults] = {}
    policy_defaults: PolicyDefaults = PolicyDefaults()
    secrets: Secrets = Secrets()
    retention: Retention = Retention()
    environments: dict[str, Environment] = {}

    def policy_of(self, environment: str) -> EnvironmentPolicy | None:
        """Return what ``environment`` demands, if the file says."""
        found = self.environments.get(environment)
        return found.policy_enforcement if found else None


def _ignored_in(value: object) -> Iterator[str]:
    if isinstance(value, Section):
        yield from value.ignored_keys()
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from (f"{name}.{key}" for key in _ignored_in(item))
