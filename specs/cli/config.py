"""``kneo config``: what a project says, and which services a person has named."""

from pathlib import Path
from typing import cast

import typer

from kneo_project.cli import profile_commands
from kneo_project.cli.output import failures_told, say, show_json, warn
from kneo_project.redaction import redact
from specs.cli import projects
from specs.cli.asking import Here, ProfileName, ServiceUrl, Wanted, endpoint_of
from specs.cli.options import AsJson, ProjectFile
from specs.language.rendering import render
from specs.project import Project, find_project

app = typer.Typer(
    name="config",
    help="Work on the settings of the command line. Exit status: 0 fine, 1 could not do it, 2 wrong usage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(profile_commands.app, name="profile")
app.command("init")(projects.init)
app.command("resolve")(projects.resolve)
app.command("secrets")(projects.secrets)
app.command("render-spec")(projects.render_spec)


@app.callback()
def config() -> None:
    """Work on the settings of the command line."""


@app.command("show")
def show(
    *,
    project: ProjectFile = None,
    service_url: ServiceUrl = None,
    profile: ProfileName = None,
    local: Here = False,
    as_json: AsJson = False,
) -> None:
    """Show the settings of the project, and which service the commands ask."""
    wanted = Wanted(service_url=service_url, profile=profile, is_local=local, project=project)
    with failures_told(as_json=as_json):
        found = find_project(Path.cwd(), named=project)
        endpoint = endpoint_of(wanted)
    if found is None:
        warn("There are no project settings here or above.")
    if as_json:
        show_json(_public(found))
        return
    if found is not None:
        say(f"{found.path}:")
        for line in render(_public(found)).splitlines():
            say(f"  {line}")
    asked = "this installation itself" if endpoint is None else f"{endpoint.url} (named by {endpoint.named_by})"
    say(f"Commands ask {asked}.")


def _public(project: Project | None) -> dict[str, object]:
    return {} if project is None else cast("dict[str, object]", redact(project.config.model_dump(mode="json")))
