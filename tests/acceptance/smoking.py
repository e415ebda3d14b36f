"""scripts/smoke.sh, as an operator runs it."""

import os
import subprocess

from tests.acceptance.processes import ROOT

SCRIPT = str(ROOT / "scripts" / "smoke.sh")


def smoke(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the script to its end; return what it said."""
    env = os.environ | environment
    return subprocess.run(["sh", SCRIPT, *arguments], env=env, capture_output=True, text=True, check=False)
