"""The version of this installation."""

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

_DISTRIBUTION = "kneo-serv"


@cache
def version() -> str:
    """Return the installed version, or that of the source tree when it runs without being installed."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        source = Path(__file__).resolve().parent.parent / "pyproject.toml"
        return str(tomllib.loads(source.read_text())["project"]["version"])
