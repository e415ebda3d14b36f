"""A directory to work in, and profiles of its own."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def profiles(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the profiles are kept: nobody's own are read or written."""
    path = tmp_path_factory.mktemp("home") / "kneo" / "profiles.json"
    monkeypatch.setenv("KNEO_SERV_PROFILES_PATH", str(path))
    return path
