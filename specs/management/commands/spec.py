"""``manage.py spec``: work on spec files from the command line."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console

from specs.diagnostic_table import diagnostic_table, printable
from specs.file_checks import FileCheck, check_paths

WIDTH_OFF_TERMINAL = 160


class Command(BaseCommand):
    """Judge spec files: exit status 0 when all are valid, 1 when one is not, 2 for wrong usage."""

    help = "Work on spec files."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the sub-commands."""
        commands = parser.add_subparsers(dest="command", required=True)
        validate = commands.add_parser("validate", help="Say what is wrong with spec files.")
        validate.add_argument("paths", nargs="+", metavar="PATH", help="a file, or a directory to look through")
        validate.add_argument("--json", action="store_true", help="one JSON document instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Validate the paths and exit with the verdict."""
        checks = list(check_paths(options["paths"]))
        if options["json"]:
            is_one_file = len(options["paths"]) == 1 and not Path(options["paths"][0]).is_dir()
            self.stdout.write(json.dumps(checks[0].as_dict() if is_one_file else _report(checks), indent=2))
        else:
            self._print_table(checks)
        if not all(check.is_valid for check in checks):
            raise SystemExit(1)

    def _print_table(self, checks: list[FileCheck]) -> None:
        is_terminal = self.stdout.isatty()
        console = Console(force_terminal=is_terminal, width=None if is_terminal else WIDTH_OFF_TERMINAL)
        if any(check.diagnostics for check in checks):
            with console.capture() as captured:
                console.print(diagnostic_table(checks))
            self.stdout.write(captured.get())
        for check in checks:
            verdict = "valid" if check.is_valid else "invalid"
            self.stdout.write(f"{printable(check.path)}: {verdict}")


def _report(checks: list[FileCheck]) -> dict[str, Any]:
    files = [{"path": check.path, **check.as_dict()} for check in checks]
    return {"valid": all(check.is_valid for check in checks), "files": files}
