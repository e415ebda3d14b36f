"""Diagnostics for programs that show them beside the text: SARIF for code scanners, annotations for pull requests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from specs.file_checks import FileCheck
from specs.language.codes import MEANINGS
from specs.language.fixes import FIXES

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def sarif(checks: Iterable[FileCheck]) -> dict[str, Any]:
    """Return ``checks`` as a SARIF 2.1.0 log."""
    entries = list(_entries(checks))
    codes = sorted({entry["code"] for _, entry in entries})
    rules = [
        {"id": code, "shortDescription": {"text": MEANINGS.get(code, code)}, "help": {"text": FIXES.get(code, "")}}
        for code in codes
    ]
    results = [_result(path, entry) for path, entry in entries]
    run = {"tool": {"driver": {"name": "kneo-serv", "rules": rules}}, "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def github(checks: Iterable[FileCheck]) -> Iterator[str]:
    """Yield a workflow command of GitHub Actions for each diagnostic of ``checks``."""
    for path, entry in _entries(checks):
        place = {"file": path, "line": entry.get("line"), "col": entry.get("column"), "title": entry["code"]}
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in place.items() if value)
        yield f"::{COMMANDS[entry['severity']]} {properties}::{_data(_sentence(entry))}"


def _entries(checks: Iterable[FileCheck]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for check in checks:
        for diagnostic in check.diagnostics:
            public = diagnostic.as_dict()
            problems: Sequence[Mapping[str, Any]] = public.get("problems") or [public]
            yield from ((check.path, problem) for problem in problems)


def _rule(code: str) -> dict[str, Any]:
    return {"id": code, "shortDescription": {"text": MEANINGS.get(code, code)}, "help": {"text": FIXES.get(code, "")}}


def _result(path: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": PurePath(path).as_posix()}}
    if entry.get("line"):
        place["region"] = {"startLine": entry["line"], "startColumn": entry["column"]}
    location: dict[str, Any] = {"physicalLocation": place}
    if entry["path"]:
        location["logicalLocations"] = [{"fullyQualifiedName": entry["path"]}]
    return {
        "ruleId": entry["code"],
        "level": LEVELS[entry["severity"]],
        "message": {"text": _sentence(entry)},
        "locations": [location],
    }


def _sentence(entry: Mapping[str, Any]) -> str:
    path = f"{entry['path']}: " if entry["path"] else ""
    return " ".join(part for part in (f"{path}{entry['message']}", entry["suggestion"]) if part)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
