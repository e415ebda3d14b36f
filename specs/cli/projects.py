"""``config init``, ``resolve``, ``secrets`` and ``render-spec``: the settings of a project."""

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from kneo_project.cli.output import failures_told, printable, say, show, show_json
from kneo_project.errors import InvalidRequest
from specs.cli.asking import ProfileName, ServiceUrl, Wanted, endpoint_of
from specs.cli.options import AsJson, Environment, ProjectFile, named_paths, open_setting
from specs.cli.output import write
from specs.cli.writing import resolve as write_resolved
from specs.language.rendering import render
from specs.project import DIRECTORY, NAMES

TEMPLATE = files("specs.cli") / "project_template.yaml"
NAME_MARK = "NAME"
# What the command line itself is let in with.
SERVICE_TOKENS = {"api_key": "KNEO_SERV_API_KEY"}

ProjectName = Annotated[str | None, typer.Option("--name", help="Default: the name of the directory.")]
Force = Annotated[bool, typer.Option("--force", help="Replace settings that exist.")]
SpecFile = Annotated[str | None, typer.Option("--spec", metavar="PATH", help="Default: the project's spec.")]
RequiredOutput = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]


def init(*, name: ProjectName = None, force: Force = False) -> None:
    """Write settings for a project in this directory. Commands go on working here, without a service."""
    path = Path(NAMES[0])
    with failures_told(as_json=False):
        if path.exists() and not force:
            raise InvalidRequest(f"The file {path} exists; --force replaces it.")
        try:
            Path(DIRECTORY).mkdir(exist_ok=True)
        except OSError as error:
            raise InvalidRequest(f"The directory {DIRECTORY} cannot be made: {error.strerror}.") from None
        quoted = render({"name": name or Path.cwd().name or "project"}).strip()
        write(TEMPLATE.read_text(encoding="utf-8").replace(f"name: {NAME_MARK}", quoted), path)
    say(f"Wrote {path}. See what it means with: kneo config resolve")


def resolve(
    *,
    environment: Environment = None,
    spec: SpecFile = None,
    project: ProjectFile = None,
    service_url: ServiceUrl = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Show what commands work with here: environment, spec, overlays, service."""
    wanted = Wanted(service_url=service_url, profile=profile, is_local=False, project=project)
    with failures_told(as_json=as_json):
        setting = open_setting(project, environment)
        endpoint = endpoint_of(wanted)
    found = setting.project
    has_default = found is not None and found.default_spec() is not None
    (spec_path,) = named_paths([spec] if spec else None, setting) if spec or has_default else (None,)
    context = {
        "has_config": found is not None,
        "config_path": str(found.path) if found else None,
        "root_dir": str(found.root if found else Path.cwd()),
        "environment": setting.environment,
        "spec_path": spec_path,
        "overlay_paths": [str(path) for path in found.overlays(setting.environment)] if found else [],
        "service_url": endpoint.url if endpoint else None,
        "service_named_by": endpoint.named_by if endpoint else None,
    }
    if as_json:
        show_json(context)
        return
    table = Table("What", "Is")
    for name, value in context.items():
        shown = "\n".join(value) if isinstance(value, list) else value
        table.add_row(name.replace("_", " "), Text(printable(str(shown)) if shown else "none"))
    show(table)


def secrets(*, environment: Environment = None, project: ProjectFile = None, as_json: AsJson = False) -> None:
    """Show which secrets the project names, and which of them are set here. No value is shown."""
    with failures_told(as_json=as_json):
        found = open_setting(project, environment).project
    named = found.config.secrets if found else None
    inventory = {
        "providers": _looked_up(named.provider_env if named else {}),
        "extra": _looked_up(named.extra_env if named else {}),
        "service_tokens": _looked_up(SERVICE_TOKENS),
    }
    if as_json:
        show_json({"inventory": inventory})
        return
    table = Table("Kind", "Name", "Variable", "Set")
    for kind, entries in inventory.items():
        for name, entry in entries.items():
            words = (printable(name), printable(entry["env_var"]), "yes" if entry["present"] else "no")
            table.add_row(kind.replace("_", " "), *map(Text, words))
    show(table)


def render_spec(
    *,
    output: RequiredOutput,
    spec: SpecFile = None,
    environment: Environment = None,
    project: ProjectFile = None,
) -> None:
    """Write a spec as it is in its environment, as ``spec resolve`` does."""
    write_resolved(spec, environment=environment, project=project, output=output)


def _looked_up(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {
        name: {"name": name, "env_var": variable, "present": bool(os.environ.get(variable))}
        for name, variable in variables.items()
    }
