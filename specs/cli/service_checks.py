"""The verdict of a service on a spec that lies here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kneo_project.cli.service import Service, UnknownAnswer
from specs.file_checks import FileCheck
from specs.language.diagnostics import Diagnostic, Severity


def checked_by(service: Service, check: FileCheck, environment: str) -> FileCheck:
    """Return ``check`` with what ``service`` says of the resolved spec, where it can be read at all.

    Raises:
        KneoError: the service gave no verdict.
    """
    if check.examination is None:
        return check
    answer = service.post("/specs/validate", {"spec": check.document, "environment": environment})
    # What is said here as well is shown with its place in the file, which no service knows.
    placed = {(each.code, each.path, each.message): each for each in check.diagnostics}
    try:
        said = [_diagnostic(each) for each in answer["diagnostics"]]
    except (KeyError, TypeError, ValueError):
        raise UnknownAnswer from None
    return replace(
        check,
        diagnostics=(*(placed.get((each.code, each.path, each.message), each) for each in said), *check.blocked),
    )


def _diagnostic(public: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        code=str(public["code"]),
        severity=Severity(public["severity"]),
        message=str(public["message"]),
        path=public.get("path"),
        suggestion=public.get("suggestion"),
    )
