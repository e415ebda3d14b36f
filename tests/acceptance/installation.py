"""The project as people get it: its wheel, built from a copy of the sources and installed in an environment of its own.

What it depends on is taken from the environment that the tests run in, so nothing is downloaded.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.acceptance.processes import ROOT

SOURCES = ("kneo_project", "specs", "humantasks", "runs")
FILES = ("pyproject.toml", "README.md", "LICENSE", "requirements/base.in")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc")


class Installation:
    """A virtual environment with the wheel, and a directory to be in that is not the source tree."""

    def __init__(self, folder: Path) -> None:
        self.wheel = _build(folder / "sources", folder / "wheels")
        self.venv = folder / "venv"
        self.libraries = Path(sysconfig.get_paths()["purelib"])
        self.home = folder / "home"
        self.home.mkdir()
        self._install()

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a program of the environment to its end."""
        command = [str(self.venv / "bin" / program), *arguments]
        where = cwd or self.home
        return subprocess.run(
            command, cwd=where, env=self.environment(), capture_output=True, text=True, timeout=60, check=False
        )

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the variables of somebody who has installed the wheel, and set nothing but ``settings``."""
        return {"PATH": f"{self.venv / 'bin'}:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8", **settings}

    def _install(self) -> None:
        _do(sys.executable, "-m", "venv", str(self.venv))
        python = str(self.venv / "bin" / "python")
        _do(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(self.wheel))
        (purelib,) = self.venv.glob("lib/python*/site-packages")
        # A path on a line of its own: what lies there is found, and its own .pth files, such as that of the editable
        # install of the source tree, are not read.
        (purelib / "dependencies.pth").write_text(f"{self.libraries}\n")


def _build(sources: Path, wheels: Path) -> Path:
    for name in SOURCES:
        shutil.copytree(ROOT / name, sources / name, ignore=UNWANTED)
    for name in FILES:
        (sources / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, sources / name)
    wheels.mkdir()
    _do(sys.executable, "-c", BUILD, str(wheels), cwd=sources)
    (wheel,) = wheels.glob("kneo_serv-*.whl")
    return wheel


def _do(*command: str, cwd: Path | None = None) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=cwd, env=kept, check=True, stdout=subprocess.DEVNULL)
