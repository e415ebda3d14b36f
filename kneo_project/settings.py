"""Settings, read once. Every KNEO_SERV_* variable of the service is read here; the empty string counts as unset.

A secret may also come from a file: ``NAME_FILE`` names it (Docker and Kubernetes secrets).
"""

import os
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from kneo_project import browsers
from kneo_project.prices import read_prices
from kneo_project.variables import days, flag, integer, number, one_of, text, words
from kneo_project.version import version

django_stubs_ext.monkeypatch()  # Django's generic classes take type arguments at run time too

# --- Where things are -----------------------------------------------------------------------------------------------
BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(text("KNEO_SERV_STATE_DIR", ".kneo")).resolve()
SPEC_ROOT = Path(text("KNEO_SERV_SPEC_ROOT", ".")).resolve()

# --- Web --------------------------------------------------------------------------------------------------------------
DEBUG = flag("KNEO_SERV_DEBUG", default=False)
SECRET_KEY = text("KNEO_SERV_SECRET_KEY")
HAS_OWN_SECRET_KEY = bool(SECRET_KEY)
ALLOWED_HOSTS = list(words("KNEO_SERV_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"))
CSRF_TRUSTED_ORIGINS = list(words("KNEO_SERV_CSRF_TRUSTED_ORIGINS"))
BEHIND_TLS_PROXY = flag("KNEO_SERV_BEHIND_TLS_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS_PROXY
SECURE_HSTS_SECONDS = integer("KNEO_SERV_HSTS_SECONDS", 3600 if BEHIND_TLS_PROXY else 0, minimum=0)
# Who ends TLS also redirects to it: a redirect from here would meet the probes, which come without TLS. Whether its
# promise is one for subdomains and for lists in browsers is for the owner of the domain to say.
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = browsers.CONTENT_SECURITY_POLICY
UNFOLD = browsers.UNFOLD
ROOT_URLCONF = "kneo_project.urls"
WSGI_APPLICATION = "kneo_project.wsgi.application"
ASGI_APPLICATION = "kneo_project.asgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"

INSTALLED_APPS = [
    "kneo_project",  # templates of the earlier take the place of the later: ours, then unfold's, then the admin's
    "unfold.apps.BasicAppConfig",
    "kneo_project.site.config.OperatorsSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "kneo_project.audit",
    "kneo_project.apikeys",
    "kneo_project.beatjobs",
    "kneo_project.people",
    "kneo_project.webhooks",
    "specs",
    "humantasks",
    "runs",
]
MIDDLEWARE = [
    "kneo_project.api.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kneo_project.site.policy.ContentPolicyMiddleware",
    "kneo_project.api.limits.BodySizeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "kneo_project.people.sign_on.ProviderBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
STATIC_URL = "static/"
STATIC_ROOT = text("KNEO_SERV_STATIC_ROOT") or None  # unset: served from the packages, with nothing to collect
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = False

# --- Database: PostgreSQL in production, SQLite in the embedded mode -------------------------------------------------
WORKER_CONCURRENCY = integer("KNEO_SERV_WORKER_CONCURRENCY", 32)
WEB_THREADS = integer("KNEO_SERV_WEB_THREADS", 64)
# Prepared statements halve the server's work per commit. Turn them off behind a pooler that cannot keep them.
DATABASE_PREPARED_STATEMENTS = flag("KNEO_SERV_DATABASE_PREPARED_STATEMENTS", default=True)
DATABASE_POOL_SIZE = integer("KNEO_SERV_DATABASE_POOL_SIZE", 16)
DATABASE_URL = text("KNEO_SERV_DATABASE_URL", f"sqlite:///{STATE_DIR / 'kneo.sqlite3'}")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A host that vanishes says no goodbye: the system would go on waiting for its answers for a quarter of an hour.
NOTICE_DEAD_HOST = {
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def database(url: str) -> dict[str, Any]:
    """Return Django's database entry for ``url``: pooled and health-checked on PostgreSQL, WAL on SQLite."""
    entry: dict[str, Any] = dict(environ.Env.db_url_config(url))
    options = dict(entry.get("OPTIONS", {}))
    if entry["ENGINE"].endswith("sqlite3"):
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;"
        options |= {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas}
    else:
        pool = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 5, "max_idle": 120}
        options = NOTICE_DEAD_HOST | options | {"pool": pool, "connect_timeout": 5}
        if DATABASE_PREPARED_STATEMENTS:
            options |= {"server_side_binding": True, "prepare_threshold": 3}
        else:
            entry["DISABLE_SERVER_SIDE_CURSORS"] = True  # such a pooler cannot keep them either
        entry["CONN_HEALTH_CHECKS"] = True
    return {**entry, "OPTIONS": options}


DATABASES = {"default": database(DATABASE_URL)}

# --- Broker: a doorbell, nothing more ---------------------------------------------------------------------------------
BROKER_URL = text("KNEO_SERV_BROKER_URL", "kneo-files://")
BROKER_DIR = STATE_DIR / "broker"
QUEUE = text("KNEO_SERV_QUEUE", "kneo")  # deployments that share a broker need a name each
# Lines that runs wait in, besides the one called default, and which of all of them the workers here take runs from.
QUEUES = words("KNEO_SERV_QUEUES")
WORKER_QUEUES = words("KNEO_SERV_WORKER_QUEUES")

# --- Runs -------------------------------------------------------------------------------------------------------------
WORKER_LEASE_SECONDS = integer("KNEO_SERV_WORKER_LEASE_SECONDS", 20)
QUEUE_MAX_ATTEMPTS = integer("KNEO_SERV_QUEUE_MAX_ATTEMPTS", 5, minimum=0)
MAX_QUEUE_DEPTH = integer("KNEO_SERV_MAX_QUEUE_DEPTH", 0, minimum=0)
SHUTDOWN_TIMEOUT_SECONDS = integer("KNEO_SERV_SHUTDOWN_TIMEOUT_SECONDS", 1, minimum=0)
SWEEP_SECONDS = number("KNEO_SERV_SWEEP_SECONDS", 2.0, minimum=0.1)
SYNC_WAIT_SECONDS = number("KNEO_SERV_SYNC_WAIT_SECONDS", 110.0)
MAX_SYNC_WAITS = integer("KNEO_SERV_MAX_SYNC_WAITS", max(1, WEB_THREADS - 16))
EVENTS_HEARTBEAT_SECONDS = number("KNEO_SERV_EVENTS_HEARTBEAT_SECONDS", 15.0, minimum=0.1)
MAX_LISTENING_THREADS = integer("KNEO_SERV_MAX_LISTENING_THREADS", max(1, WEB_THREADS // 4))
MAX_PARALLEL_STEPS = integer("KNEO_SERV_MAX_PARALLEL_STEPS", 16, minimum=1)
SPREAD_BRANCHES = integer("KNEO_SERV_SPREAD_BRANCHES", 16, minimum=1)
MAX_PARALLEL_BRANCHES = integer("KNEO_SERV_MAX_PARALLEL_BRANCHES", 100, minimum=1)
STEP_RETRY_BACKOFF_SECONDS = number("KNEO_SERV_STEP_RETRY_BACKOFF_SECONDS", 1.0)
STEP_RETRY_BACKOFF_MAX_SECONDS = number("KNEO_SERV_STEP_RETRY_BACKOFF_MAX_SECONDS", 60.0)
WORKFLOW_RETRY_ON_TIMEOUT = flag("KNEO_SERV_WORKFLOW_RETRY_ON_TIMEOUT", default=False)
TRACE_MAX_EVENTS = integer("KNEO_SERV_TRACE_MAX_EVENTS", 10_000, minimum=0)
# Which modules a spec's functions may come from: dotted prefixes. Empty allows none.
FUNCTION_MODULES = words("KNEO_SERV_FUNCTION_MODULES", "specs.examples")

# --- Agents -----------------------------------------------------------------------------------------------------------
# Which environment variables a spec may name as the key of a model endpoint.
SECRET_REFS = words("KNEO_SERV_SECRET_REFS", "OPENAI_API_KEY,ANTHROPIC_API_KEY")
ALLOW_LITERAL_KEYS = flag("KNEO_SERV_ALLOW_LITERAL_KEYS", default=True)
MODEL_HOSTS = words("KNEO_SERV_MODEL_HOSTS", "")
HTTP_TOOL_PRIVATE_HOSTS = words("KNEO_SERV_HTTP_TOOL_PRIVATE_HOSTS", "")
# Commands that specs may start as MCP servers: none, unless the operator says so.
MCP_COMMANDS = words("KNEO_SERV_MCP_COMMANDS", "")
MCP_RETRIES = integer("KNEO_SERV_MCP_RETRIES", 0, minimum=0)
MCP_RETRY_BACKOFF_SECONDS = number("KNEO_SERV_MCP_RETRY_BACKOFF_SECONDS", 0.0)
MCP_TIMEOUT_SECONDS = number("KNEO_SERV_MCP_TIMEOUT_SECONDS", 0.0)
MCP_CONNECT_TIMEOUT_SECONDS = number("KNEO_SERV_MCP_CONNECT_TIMEOUT_SECONDS", MCP_TIMEOUT_SECONDS)
MCP_RETRY_ON_TIMEOUT = flag("KNEO_SERV_MCP_RETRY_ON_TIMEOUT", default=False)
PROVIDER_RETRIES = integer("KNEO_SERV_PROVIDER_RETRIES", 2, minimum=0)
PROVIDER_RETRY_BACKOFF_SECONDS = number("KNEO_SERV_PROVIDER_RETRY_BACKOFF_SECONDS", 0.5)
PROVIDER_RETRY_ON_TIMEOUT = flag("KNEO_SERV_PROVIDER_RETRY_ON_TIMEOUT", default=True)
PROVIDER_TIMEOUT_SECONDS = number("KNEO_SERV_PROVIDER_TIMEOUT_SECONDS", 120.0, minimum=0.001)
# How much each process asks of one endpoint, and when it is left alone: 0 is no limit.
PROVIDER_MAX_CONCURRENCY = integer("KNEO_SERV_PROVIDER_MAX_CONCURRENCY", 0, minimum=0)
PROVIDER_MAX_PER_MINUTE = integer("KNEO_SERV_PROVIDER_MAX_PER_MINUTE", 0, minimum=0)
PROVIDER_BREAKER_FAILURES = integer("KNEO_SERV_PROVIDER_BREAKER_FAILURES", 20, minimum=0)
PROVIDER_BREAKER_SECONDS = number("KNEO_SERV_PROVIDER_BREAKER_SECONDS", 30.0)
TOKEN_BUDGET = integer("KNEO_SERV_TOKEN_BUDGET", 0, minimum=0)
RUN_TOKEN_BUDGET = integer("KNEO_SERV_RUN_TOKEN_BUDGET", 0, minimum=0)
try:
    MODEL_PRICES = read_prices(words("KNEO_SERV_MODEL_PRICES", ""))
except ValueError as error:
    raise ImproperlyConfigured(f"KNEO_SERV_MODEL_PRICES: {error}.") from None
CURRENCY = text("KNEO_SERV_CURRENCY", "USD")
RUN_COST_BUDGET = number("KNEO_SERV_RUN_COST_BUDGET", 0.0)

METRICS_ENABLED = flag("KNEO_SERV_METRICS_ENABLED", default=True)
STATISTICS_SECONDS = number("KNEO_SERV_STATISTICS_SECONDS", 5.0, minimum=0.1)

# --- Retention: what is older goes; None is kept for ever, unless the project's settings say otherwise ---------------
RETENTION_SECONDS = number("KNEO_SERV_RETENTION_SECONDS", 300.0, minimum=0.1)
RETENTION_DAYS = {
    "logs": days("KNEO_SERV_RETENTION_LOGS_DAYS"),
    "audit": days("KNEO_SERV_RETENTION_AUDIT_DAYS"),
    "tallies": days("KNEO_SERV_RETENTION_TALLIES_DAYS"),
    "webhooks": days("KNEO_SERV_RETENTION_WEBHOOKS_DAYS"),
    "bulk": days("KNEO_SERV_RETENTION_BULK_DAYS"),
    "snapshots": days("KNEO_SERV_RETENTION_SNAPSHOTS_DAYS"),
    "idempotency": days("KNEO_SERV_RETENTION_IDEMPOTENCY_DAYS"),
    "continuations": days("KNEO_SERV_RETENTION_CONTINUATIONS_DAYS"),
    "checkpoints": days("KNEO_SERV_RETENTION_CHECKPOINTS_DAYS"),
    "runs": days("KNEO_SERV_RETENTION_RUNS_DAYS"),
}
ENDED = "cancelled,completed,expired,failed,timed_out"
RETENTION_RUN_STATUSES = words("KNEO_SERV_RETENTION_RUN_STATUSES", ENDED)
if unknown := set(RETENTION_RUN_STATUSES) - set(ENDED.split(",")):
    raise ImproperlyConfigured(f"KNEO_SERV_RETENTION_RUN_STATUSES may name {ENDED}, not {', '.join(sorted(unknown))}.")
PROJECT_CONFIG = text("KNEO_PROJECT_CONFIG")

# --- Webhooks ---------------------------------------------------------------------------------------------------------
WEBHOOK_PRIVATE_HOSTS = words("KNEO_SERV_WEBHOOK_PRIVATE_HOSTS", "")
WEBHOOK_TIMEOUT_SECONDS = number("KNEO_SERV_WEBHOOK_TIMEOUT_SECONDS", 10.0, minimum=0.1)
WEBHOOK_MAX_ATTEMPTS = integer("KNEO_SERV_WEBHOOK_MAX_ATTEMPTS", 8)
WEBHOOK_RETRY_BACKOFF_SECONDS = number("KNEO_SERV_WEBHOOK_RETRY_BACKOFF_SECONDS", 10.0)

# --- API --------------------------------------------------------------------------------------------------------------
AUTH_ENABLED = flag("KNEO_SERV_AUTH_ENABLED", default=False)
API_KEYS = text("KNEO_SERV_API_KEYS")
ADMIN_API_KEY = text("KNEO_SERV_ADMIN_API_KEY")
OIDC_ISSUER = text("KNEO_SERV_OIDC_ISSUER")
OIDC_AUDIENCE = text("KNEO_SERV_OIDC_AUDIENCE")
OIDC_JWKS_URL = text("KNEO_SERV_OIDC_JWKS_URL")
OIDC_ROLE_CLAIM = text("KNEO_SERV_OIDC_ROLE_CLAIM", "roles")
OIDC_ROLE_MAP = words("KNEO_SERV_OIDC_ROLE_MAP", "")
OIDC_NAME_CLAIM = text("KNEO_SERV_OIDC_NAME_CLAIM", "sub")
OIDC_CLIENT_ID = text("KNEO_SERV_OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = text("KNEO_SERV_OIDC_CLIENT_SECRET")
LOGIN_FAILURES = integer("KNEO_SERV_LOGIN_FAILURES", 5)
LOGIN_REST_MINUTES = integer("KNEO_SERV_LOGIN_REST_MINUTES", 15)
# Requests a minute: 0 is no limit.
RATE_LIMIT = integer("KNEO_SERV_RATE_LIMIT", 0, minimum=0)
RATE_LIMIT_ANONYMOUS = integer("KNEO_SERV_RATE_LIMIT_ANONYMOUS", 0, minimum=0)
RATE_LIMIT_STORAGE = text("KNEO_SERV_RATE_LIMIT_STORAGE", "memory://")
MAX_BODY_BYTES = integer("KNEO_SERV_MAX_BODY_BYTES", 1_048_576)
MAX_INPUT_CHARS = integer("KNEO_SERV_MAX_INPUT_CHARS", 20_000)
MAX_HUMAN_CONTENT_CHARS = integer("KNEO_SERV_MAX_HUMAN_CONTENT_CHARS", 20_000)
MAX_INLINE_SPEC_BYTES = integer("KNEO_SERV_MAX_INLINE_SPEC_BYTES", 262_144)
MAX_OVERRIDES_BYTES = integer("KNEO_SERV_MAX_OVERRIDES_BYTES", 65_536)
MAX_METADATA_BYTES = integer("KNEO_SERV_MAX_METADATA_BYTES", 32_768)
MAX_LIST_ITEMS = integer("KNEO_SERV_MAX_LIST_ITEMS", 100)
MAX_PATH_CHARS = integer("KNEO_SERV_MAX_PATH_CHARS", 4_096)
# What must be there for the service to be ready: keys of providers, and further variables.
HEALTH_PROVIDERS = words("KNEO_SERV_HEALTH_PROVIDERS", "")
HEALTH_MCP_SECRETS = words("KNEO_SERV_HEALTH_MCP_SECRETS", "")
READINESS_CHECKS = ["runs.inspection.readiness.secrets_needed"]
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["kneo_project.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "kneo_project.api.throttling.WithinRate",
        "kneo_project.api.permissions.HasScope",
    ],
    "DEFAULT_PARSER_CLASSES": ["kneo_project.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "kneo_project.api.parsers.OneFormat",
    "DEFAULT_SCHEMA_CLASS": "kneo_project.api.operations.PathSchema",
    "EXCEPTION_HANDLER": "kneo_project.refusals.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "COMPACT_JSON": True,
    "STRICT_JSON": True,
}
SPECTACULAR_SETTINGS = {**browsers.API_PAGES, "VERSION": version()}

# --- Celery -----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = WORKER_CONCURRENCY
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# After a reconnect it would set the prefetch count from the threads of the pool, and break the connection again.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = QUEUE

# --- Logs -------------------------------------------------------------------------------------------------------------
LOG_LEVEL = one_of("KNEO_SERV_LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL")
REQUEST_LOGS = flag("KNEO_SERV_REQUEST_LOGS", default=True)
# Where spans go, under which name and how many of them, is said by the standard variables (OTEL_*).
OTEL_ENABLED = flag("KNEO_SERV_OTEL_ENABLED", default=False)
OTEL_RECORD_ARGUMENTS = flag("KNEO_SERV_OTEL_RECORD_ARGUMENTS", default=False)
OTEL_RECORD_RESULTS = flag("KNEO_SERV_OTEL_RECORD_RESULTS", default=False)
OTEL_RECORD_MESSAGES = flag("KNEO_SERV_OTEL_RECORD_MESSAGES", default=False)
AUDIT_EXPORT_ENABLED = flag("KNEO_SERV_AUDIT_EXPORT_ENABLED", default=False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "kneo_project.logs.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "kneo_serv": {"level": LOG_LEVEL},
        "kneo_agent": {"level": LOG_LEVEL},
        "celery": {"level": LOG_LEVEL},
        # Two lines per message would say nothing that the runs' own records do not say better.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "runs": {"level": LOG_LEVEL},
        "specs": {"level": LOG_LEVEL},
        "humantasks": {"level": LOG_LEVEL},
        "django": {"handlers": [], "level": "WARNING"},
        # Refusals are in the request line already.
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}


def embedded_secret_key() -> str:
    """Return the key kept in the state directory, made on first use: only for the embedded mode (SQLite)."""
    path = STATE_DIR / "secret_key"
    if not path.exists():
        STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = os.urandom(48).hex()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(fresh)
    return path.read_text()


if not SECRET_KEY:
    try:
        SECRET_KEY = embedded_secret_key()
    except OSError as error:
        reason = f"KNEO_SERV_STATE_DIR: {STATE_DIR} cannot be written ({error.strerror})."
        raise ImproperlyConfigured(f"{reason} Give it to the user of the service, or name another.") from None
