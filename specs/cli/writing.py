"""``resolve``, ``migrate``, ``schema`` and ``new``: commands that write a document."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from kneo_project.cli.output import say, show_json
from kneo_project.errors import InvalidRequest
from specs.cli.loading import open_spec
from specs.cli.options import AsJson, Environment, OnePath, Output, ProjectFile
from specs.cli.output import Status, failures_told, write
from specs.language.diagnostics import SpecSyntaxError
from specs.language.json_schema import author_schema
from specs.language.migrating import CURRENT, Migration, migrate, unknown_version
from specs.language.parsing import load
from specs.language.rendering import render
from specs.sources import read_named

STARTERS = {
    path.name.removesuffix(".yaml"): path
    for path in sorted((files("specs.cli") / "starters").iterdir(), key=lambda path: path.name)
    if path.name.endswith(".yaml")
}

Template = Annotated[str, typer.Option("--template", "-t", help=f"One of: {', '.join(STARTERS)}.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
CheckOnly = Annotated[bool, typer.Option("--check", help="Write nothing; exit status 1 if it would change.")]


def resolve(
    path: OnePath = None,
    *,
    environment: Environment = None,
    project: ProjectFile = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Write a spec as it is in its environment: overlays laid over it, defaults of the project filled in."""
    with failures_told(as_json=as_json):
        check, _ = open_spec(path, project, environment)
        if output is None and as_json:
            show_json(check.document)
        else:
            write(render(check.document), output)


def migrate_one(
    path: Annotated[str, typer.Argument(metavar="PATH", help="A spec file.")],
    *,
    output: Output = None,
    check: CheckOnly = False,
    as_json: AsJson = False,
) -> None:
    """Write a spec as a v1 document; whether it is valid is not asked. Comments are lost."""
    with failures_told(as_json=as_json):
        source = _migratable(path)
        migration = migrate(source)
        if output and not check:
            write(render(migration.data), output)
    is_changed = bool(migration.applied)
    if as_json:
        written: dict[str, Any] = {"output": str(output)} if output else {"spec": migration.data}
        show_json(_migration_report(source, migration) | ({} if check else written))
    elif not output and not check:
        write(render(migration.data), None)
    raise typer.Exit(Status.NOT_FINE if check and is_changed else Status.FINE)


def schema(*, output: Output = None) -> None:
    """Write the JSON Schema of the language, for editors that complete and check."""
    with failures_told(as_json=False):
        write(json.dumps(author_schema(), indent=2) + "\n", output)


def new(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to write.")],
    *,
    template: Template = "agent",
    force: Force = False,
) -> None:
    """Write a spec to start from."""
    if template not in STARTERS:
        raise typer.BadParameter(f"There is no template {template!r}; there are: {', '.join(STARTERS)}.")
    with failures_told(as_json=False):
        if path.exists() and not force:
            raise InvalidRequest(f"The file {path} exists; --force replaces it.")
        write(STARTERS[template].read_text(encoding="utf-8"), path)
    say(f"Wrote {path}. Check it with: kneo spec validate {path}")


def _migratable(path: str) -> Mapping[str, Any]:
    """Return the document at ``path``.

    Raises:
        InvalidRequest: it cannot be read, or its version is not known.
    """
    try:
        data = load(read_named(path), name=path).data
    except SpecSyntaxError as error:
        first = error.diagnostics[0]
        raise InvalidRequest(f"{path}:{first.line}:{first.column}: {first.message}") from None
    if finding := unknown_version(data):
        raise InvalidRequest(f"{path}: {finding.message}")
    return data


def _migration_report(source: Mapping[str, Any], migration: Migration) -> dict[str, Any]:
    return {
        "source_version": source.get("version"),
        "target_version": CURRENT,
        "changed": bool(migration.applied),
        "applied": list(migration.applied),
    }
