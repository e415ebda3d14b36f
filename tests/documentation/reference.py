"""The reference pages that are made from the code: ``python -m tests.documentation.reference`` writes them."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, cast

import django
from django.test import Client, override_settings
from django.test.utils import setup_databases, setup_test_environment, teardown_databases
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from kneo_project.cli.main import ELSEWHERE, app
from kneo_project.errors import KneoError
from tests.documentation import audited

FOLDER = audited.ROOT / "docs" / "reference"
MADE = "This page is made from the code: `make reference` writes it.\n"


def pages() -> dict[str, str]:
    """Return the text of every page, by the name of its file. Needs Django, and a database for the metrics."""
    makers: Mapping[str, Callable[[], Iterable[str]]] = {
        "routes.md": _routes,
        "commands.md": _commands,
        "metrics.md": _metrics,
        "audit-events.md": _audit_events,
        "errors.md": _errors,
    }
    return {name: "\n".join(make()).rstrip() + "\n" for name, make in makers.items()}


def _routes() -> Iterator[str]:
    yield from ("# Routes", "", MADE)
    yield "`/openapi.json` of your service has all of it: parameters, bodies, answers, examples and refusals. Routes"
    yield "below `/v1` that the published system has answer without it as well.\n"
    with override_settings(API_KEYS="docs:a-key-of-the-page:admin"):
        document: dict[str, Any] = Client().get("/openapi.json").json()
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        if f"/v1{path}" in document["paths"]:  # the same, as the published system has it
            continue
        for method, operation in operations.items():
            text = operation.get("summary") or operation.get("description", "")
            row = f"| `{method.upper()} {path}` | {_first_sentence(text)} |"
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(row)
    for group in sorted(groups):
        yield from (f"## {group}", "", "| route | what it does |", "|---|---|", *groups[group], "")


def _commands() -> Iterator[str]:
    yield from ("# Commands", "", MADE)
    root = cast("TyperGroup", get_command(app))
    yield from _command(root, "kneo", depth=1)
    for name, command in sorted(root.commands.items()):
        handed_on = get_command(import_module(ELSEWHERE[name][0]).app) if name in ELSEWHERE else command
        yield from _command(cast("TyperCommand", handed_on), f"kneo {name}", depth=1)


def _command(command: TyperCommand | TyperGroup, name: str, *, depth: int) -> Iterator[str]:
    context = command.context_class(command, info_name=name)
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from (f"{'#' * (depth + 1)} {name}", "", command.help or "", "", "```text", f"{name} {pieces}", "```", "")
    helps = [each for parameter in command.params if (each := parameter.get_help_record(context))]
    if rows := [f"| `{_cell(given)}` | {_cell(meaning)} |" for given, meaning in helps if "--help" not in given]:
        yield from ("| argument or option | what it is |", "|---|---|", *rows, "")
    if name != "kneo":
        for child, inner in getattr(command, "commands", {}).items():
            yield from _command(inner, f"{name} {child}", depth=depth + 1)


def _metrics() -> Iterator[str]:
    measures = import_module("runs.inspection.measures").measures
    yield from ("# Metrics", "", MADE)
    yield "`GET /metrics` answers in the text format of Prometheus. Every web process tells the same: scrape one,"
    yield "or take `max()` of all.\n"
    yield from ("| metric | type | meaning |", "|---|---|---|")
    for each in measures():
        name = f"{each.name}_total" if each.type == "counter" else each.name
        yield f"| `{name}` | {each.type} | {_cell(each.documentation)} |"


def _audit_events() -> Iterator[str]:
    yield from ("# Audit events", "", MADE)
    yield "`GET /v1/audit-events`, `kneo audit list` and the admin show them. Each has a time, an actor (nobody, when"
    yield "the service did it by itself), the run it is about, and facts, which are redacted before they are stored.\n"
    yield from ("| event | what happened |", "|---|---|")
    yield from (f"| `{name}` | {audited.MEANINGS.get(name, '')} |" for name in audited.recorded())


def _errors() -> Iterator[str]:
    yield from ("# Error codes", "", MADE)
    yield 'A refusal is `{"detail": {"error": CODE, "message": SENTENCE, …}}`; branch on the code. What can be wrong'
    yield "with a spec has [codes of its own](../diagnostics.md).\n"
    yield from ("| code | status | meaning |", "|---|---|---|")
    known: dict[tuple[str, int], str] = {}
    for kind in _kinds(KneoError):
        known.setdefault((kind.code, kind.status), _first_sentence(kind.__doc__ or ""))
    yield from (f"| `{code}` | {status} | {meaning} |" for (code, status), meaning in sorted(known.items()))


def _kinds(parent: type[KneoError]) -> Iterator[type[KneoError]]:
    for child in parent.__subclasses__():
        yield from _kinds(child)
        if ".cli." not in child.__module__ and "code" in vars(child) and not child.__module__.startswith("tests."):
            yield child


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return _cell(paragraph.split(". ")[0].rstrip(".") + "." if paragraph else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


def main() -> None:
    """Write the pages, on an empty database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        for name, text in pages().items():
            (FOLDER / name).write_text(text)
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
