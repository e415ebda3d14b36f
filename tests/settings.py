"""The project's settings, with a state directory of their own and on the database asked for by KNEO_TEST_DATABASE."""

import os
import tempfile
from pathlib import Path

from tests import services

STATE = tempfile.TemporaryDirectory(prefix="kneo-test-")
DATABASE = os.environ.get("KNEO_TEST_DATABASE", "sqlite")

for name in [name for name in os.environ if name.startswith("KNEO_SERV_")]:
    del os.environ[name]
os.environ["KNEO_SERV_STATE_DIR"] = STATE.name
os.environ["KNEO_SERV_PROFILES_PATH"] = str(Path(STATE.name) / "profiles.json")  # nobody's own
os.environ["KNEO_SERV_FUNCTION_MODULES"] = "specs.examples,tests"
if DATABASE == "postgres":
    os.environ["KNEO_SERV_DATABASE_URL"] = services.POSTGRES.url
    os.environ["KNEO_SERV_SECRET_KEY"] = "a key for tests, the same in every process of them"

from kneo_project.settings import *  # noqa: E402, F403
from kneo_project.settings import DATABASES  # noqa: E402

# A real file on SQLite, because threads must meet the locks they meet in production; a name of its own on PostgreSQL,
# because several people may test on one server.
IN_FILE = str(Path(STATE.name) / "test.sqlite3")
DATABASES["default"]["TEST"] = {"NAME": IN_FILE if DATABASE == "sqlite" else f"test_kneo_{os.getpid()}"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
