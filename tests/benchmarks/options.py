"""The options that every benchmark has."""

import argparse
from collections.abc import Sequence


def options_of(arguments: Sequence[str], *, program: str, description: str) -> argparse.Namespace:
    """Return what ``arguments`` say: ``quick``, ``strict`` and ``json``."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--quick", action="store_true", help="measure little: to see that it works, not to judge")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser.parse_args(arguments)
