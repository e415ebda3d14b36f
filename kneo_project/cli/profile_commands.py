"""``config profile``: names for services. A key goes in and never comes out."""

import sys
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from kneo_project.cli.output import failures_told, printable, say, show, show_json
from kneo_project.cli.profiles import (
    Profile,
    Profiles,
    checked_key,
    checked_url,
    profiles_path,
    read_profiles,
    write_profiles,
)

FROM_STDIN = "-"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the profile.")]
OfProfile = Annotated[str | None, typer.Option("--name", help="The name of the profile. Default: the active one.")]
Url = Annotated[str, typer.Option("--service-url", metavar="URL", help="Where the service is.")]
ApiKey = Annotated[
    str | None, typer.Option("--api-key", metavar="KEY", help="The key that opens it; - reads it from stdin.")
]
Activate = Annotated[bool, typer.Option("--activate/--no-activate", help="Use it from now on.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, also about failures (on stderr).")]

app = typer.Typer(help="Work on profiles: names for services, with their keys.", no_args_is_help=True)


@app.command("set")
def set_profile(
    name: Name, *, service_url: Url, api_key: ApiKey = None, activate: Activate = True, as_json: AsJson = False
) -> None:
    """Make a profile, or replace it whole."""
    with failures_told(as_json=as_json):
        given = sys.stdin.readline() if api_key == FROM_STDIN else api_key
        profile = Profile(service_url=checked_url(service_url), api_key=checked_key(given))
        profiles = read_profiles().having(name, profile, activate=activate)
        write_profiles(profiles)
    _show(name, profiles, as_json=as_json)


@app.command("use")
def use_profile(name: Name, *, as_json: AsJson = False) -> None:
    """Use a profile from now on."""
    with failures_told(as_json=as_json):
        profiles = read_profiles().using(name)
        write_profiles(profiles)
    _show(name, profiles, as_json=as_json)


@app.command("list")
def list_profiles(*, as_json: AsJson = False) -> None:
    """List the profiles."""
    with failures_told(as_json=as_json):
        profiles, path = read_profiles(), profiles_path()
    shown = [_public(name, profiles) for name in sorted(profiles.named)]
    if as_json:
        show_json({"active": profiles.active, "profiles": shown, "path": str(path)})
    elif shown:
        show(_table(shown, profiles.active))
    else:
        say(f"There is no profile in {path}.")


@app.command("show")
def show_profile(*, name: OfProfile = None, as_json: AsJson = False) -> None:
    """Show one profile."""
    with failures_told(as_json=as_json):
        profiles = read_profiles()
        profiles.find(name)
    _show(name or str(profiles.active), profiles, as_json=as_json)


@app.command("delete")
def delete_profile(name: Name) -> None:
    """Delete a profile, if there is one."""
    with failures_told(as_json=False):
        write_profiles(read_profiles().without(name))
    say(f"There is no profile {name} any more.")


def _public(name: str, profiles: Profiles) -> dict[str, Any]:
    profile = profiles.named[name]
    return {"name": name, "service_url": profile.service_url, "authenticated": profile.api_key is not None}


def _show(name: str, profiles: Profiles, *, as_json: bool) -> None:
    shown = _public(name, profiles)
    if as_json:
        show_json(shown)
        return
    key = "with a key" if shown["authenticated"] else "without a key"
    say(f"{name}: {shown['service_url']}, {key}{', active' if name == profiles.active else ''}")


def _table(shown: list[dict[str, Any]], active: str | None) -> Table:
    table = Table("Profile", "Service", "Key", "Active", show_edge=False, pad_edge=False)
    for each in shown:
        words = (each["name"], each["service_url"], "yes" if each["authenticated"] else "no")
        table.add_row(*(Text(printable(word)) for word in words), "✓" if each["name"] == active else "")
    return table
