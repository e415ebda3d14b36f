"""The gate of an image: exceptions end, and soon."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TODAY = datetime.now(UTC).date()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of the gate, and a scanner that finds nothing."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "trivy", tmp_path / ".ci")
    scanner = tmp_path / "trivy"
    scanner.write_text('#!/bin/sh\necho "scanned $*"\n')
    scanner.chmod(0o755)
    return tmp_path


def judged(place: Path, exceptions: str) -> "subprocess.CompletedProcess[str]":
    (place / ".trivyignore").write_text(exceptions)
    env = {"PATH": f"{place}:{os.environ['PATH']}"}
    return subprocess.run([place / ".ci" / "trivy", "image:1"], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("exceptions", ["", "# none\n", f"# why, who\nCVE-2026-1 exp:{TODAY + timedelta(days=90)}\n"])
def test_an_image_is_scanned_with_the_exceptions_that_end(place: Path, exceptions: str) -> None:
    told = judged(place, exceptions)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("scanned image --scanners vuln,secret --severity HIGH,CRITICAL")
    assert told.stdout.endswith("--ignorefile .trivyignore --exit-code 1 image:1\n")


@pytest.mark.parametrize(
    "exception", ["CVE-2026-1", "CVE-2026-1 exp:soon", f"CVE-2026-1 exp:{TODAY + timedelta(days=92)}"]
)
def test_an_exception_without_an_end_or_with_a_late_one_is_refused(place: Path, exception: str) -> None:
    told = judged(place, f"{exception}\n")
    assert told.returncode == 1
    assert "in .trivyignore" in told.stderr
    assert "scanned" not in told.stdout


def test_the_exceptions_that_are_made_now_are_accepted(place: Path) -> None:
    assert judged(place, (ROOT / ".trivyignore").read_text()).returncode == 0
