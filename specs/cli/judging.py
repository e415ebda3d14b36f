"""``validate`` and ``lint``: verdicts on many files."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from kneo_project.cli.output import say, show, show_json
from kneo_project.cli.service import Service
from specs.cli.annotations import github, sarif
from specs.cli.asking import may_ask_service
from specs.cli.options import AsJson, Environment, Paths, named_paths, open_setting
from specs.cli.output import Status
from specs.cli.service_checks import checked_by
from specs.cli.tables import check_table
from specs.file_checks import FileCheck, check_paths
from specs.language.diagnostics import Severity, told
from specs.sources import is_directory


class Format(StrEnum):
    """Who reads the verdict: a person, a program, a code scanner, the annotations of a pull request."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


OutputFormat = Annotated[Format, typer.Option("--format", help="How to print the verdict.")]
FailOnWarning = Annotated[bool, typer.Option("--fail-on-warning", help="Do not accept warnings either.")]


@may_ask_service
def validate(  # noqa: PLR0913 - each is an option of the command line
    service: Service | None,
    paths: Paths = None,
    *,
    environment: Environment = None,
    project: str | None = None,
    as_json: AsJson = False,
    output_format: OutputFormat = Format.TEXT,
    fail_on_warning: FailOnWarning = False,
) -> None:
    """Say what is wrong with spec files. Warnings are fine."""
    chosen = Format.JSON if as_json else output_format
    checks, is_one = _checks(service, paths, project, environment)
    is_fine = _is_clean if fail_on_warning else _is_valid
    if chosen is Format.TEXT:
        _show(checks, [f"{check.path}: {'valid' if check.is_valid else 'invalid'}" for check in checks])
    else:
        _print(chosen, checks, _public(checks, is_one=is_one, whole=_validity, part=FileCheck.as_dict))
    raise typer.Exit(_status(checks, is_fine))


@may_ask_service
def lint(
    service: Service | None,
    paths: Paths = None,
    *,
    environment: Environment = None,
    project: str | None = None,
    as_json: AsJson = False,
    output_format: OutputFormat = Format.TEXT,
) -> None:
    """Say what could be better about spec files. Warnings are not fine."""
    chosen = Format.JSON if as_json else output_format
    checks, is_one = _checks(service, paths, project, environment)
    if chosen is Format.TEXT:
        counts = [(check, check.count(Severity.ERROR), check.count(Severity.WARNING)) for check in checks]
        _show(checks, [f"{check.path}: errors {errors}, warnings {warnings}" for check, errors, warnings in counts])
    else:
        _print(chosen, checks, _public(checks, is_one=is_one, whole=_cleanliness, part=_lint_part))
    raise typer.Exit(_status(checks, _is_clean))


def _checks(
    service: Service | None, paths: Sequence[str] | None, project_file: str | None, environment: str | None
) -> tuple[list[FileCheck], bool]:
    setting = open_setting(project_file, environment)
    named = named_paths(paths, setting)
    checks = list(check_paths(named, setting))
    if service is not None:
        checks = [checked_by(service, check, setting.environment) for check in checks]
    return checks, len(named) == 1 and not is_directory(Path(named[0]))


def _show(checks: Sequence[FileCheck], lines: Sequence[str]) -> None:
    if any(check.diagnostics for check in checks):
        show(check_table(checks))
    for line in lines:
        say(line)


def _print(chosen: Format, checks: Sequence[FileCheck], public: dict[str, Any]) -> None:
    if chosen is Format.JSON:
        show_json(public)
    elif chosen is Format.SARIF:
        show_json(sarif(checks))
    else:
        for line in github(checks):
            typer.echo(line)


def _public(
    checks: Sequence[FileCheck],
    *,
    is_one: bool,
    whole: Callable[[Sequence[FileCheck]], dict[str, Any]],
    part: Callable[[FileCheck], dict[str, Any]],
) -> dict[str, Any]:
    """Return the verdict on one file as the service gives it, or one for all with a part for each file."""
    if is_one:
        return part(checks[0])
    return whole(checks) | {"files": [{"path": check.path, **part(check)} for check in checks]}


def _validity(checks: Sequence[FileCheck]) -> dict[str, Any]:
    return {"valid": all(map(_is_valid, checks))}


def _cleanliness(checks: Sequence[FileCheck]) -> dict[str, Any]:
    return {
        "clean": all(map(_is_clean, checks)),
        "warning_count": sum(check.count(Severity.WARNING) for check in checks),
        "error_count": sum(check.count(Severity.ERROR) for check in checks),
    }


def _lint_part(check: FileCheck) -> dict[str, Any]:
    shown = [diagnostic for diagnostic in check.diagnostics if diagnostic.severity is not Severity.INFO]
    return _cleanliness([check]) | {"diagnostics": told(shown)}


def _is_valid(check: FileCheck) -> bool:
    return check.is_valid


def _is_clean(check: FileCheck) -> bool:
    return check.is_valid and not check.count(Severity.WARNING)


def _status(checks: Sequence[FileCheck], is_fine: Callable[[FileCheck], bool]) -> Status:
    if not all(check.was_found for check in checks):
        return Status.UNABLE
    return Status.FINE if all(map(is_fine, checks)) else Status.NOT_FINE
