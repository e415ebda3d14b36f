"""Arguments and options that several commands have, and what they stand for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kneo_project.cli.output import warn
from specs.project import find_project
from specs.setting import Setting, setting_of
from specs.sources import exists

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Files, or directories to look through. Default: the project's spec."),
]
OnePath = Annotated[str | None, typer.Argument(metavar="PATH", help="A spec file. Default: the project's spec.")]
Environment = Annotated[
    str | None,
    typer.Option("--env", envvar="KNEO_ENV", help="The environment the spec is for. Default: the project's, then dev."),
]
ProjectFile = Annotated[
    str | None,
    typer.Option("--project", envvar="KNEO_PROJECT_CONFIG", help="The project settings. Default: the nearest ones."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, also about failures (on stderr).")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="A file to write instead of the terminal.")]
KeyVariable = Annotated[
    str, typer.Option("--key-env", metavar="VARIABLE", help="The environment variable that holds the key.")
]


def open_setting(project_file: str | None, environment: str | None) -> Setting:
    """Return the setting that the options name; what is odd about the project's settings is said on stderr.

    Raises:
        KneoError: the project settings or an overlay cannot be used.
    """
    project = find_project(Path.cwd(), named=project_file)
    setting = setting_of(project, environment)
    if project is not None:
        for key in project.config.ignored_keys():
            warn(f"{project.path}: the key {key} is not known and changes nothing.")
        for path in project.missing_overlays(setting.environment):
            warn(f"The overlay {path} does not exist and is skipped.")
    return setting


def named_paths(paths: Sequence[str] | None, setting: Setting) -> list[str]:
    """Return what ``paths`` name, by default the project's spec. What is not here may be below the project's root.

    Raises:
        typer.BadParameter: nothing is named and there is no default.
    """
    project = setting.project
    if not paths:
        default = project.default_spec() if project else None
        if default is None:
            raise typer.BadParameter("Name a spec file: there is no project with `specs.default_spec` here.")
        return [_short(default)]
    if project is None:
        return list(paths)
    return [
        path if exists(Path(path)) or not exists(project.root / path) else str(project.root / path) for path in paths
    ]


def _short(path: Path) -> str:
    """Return ``path`` relative to the working directory if it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
