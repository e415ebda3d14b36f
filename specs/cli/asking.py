"""Which service a command asks: one that is named, the project's, that of the active profile, or this installation."""

import inspect
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Concatenate, cast

import typer

from kneo_project.cli.profiles import checked_key, checked_url, read_profiles
from kneo_project.cli.service import Service
from specs.cli.options import ProjectFile
from specs.cli.output import Status, failures_told
from specs.project import find_project

KEY_VARIABLE = "KNEO_SERV_API_KEY"

ServiceUrl = Annotated[str | None, typer.Option("--service-url", metavar="URL", help="Ask the service there.")]
ProfileName = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="Ask the service of that profile.")]
Here = Annotated[bool, typer.Option("--local", help="Ask no other service, whatever project and profile say.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the options say about the service to ask."""

    service_url: str | None = None
    profile: str | None = None
    is_local: bool = False
    project: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A service, the key that opens it, and who says so."""

    url: str
    named_by: str
    api_key: str | None = field(default=None, repr=False)


def endpoint_of(wanted: Wanted) -> Endpoint | None:
    """Return the service to ask; None is this installation itself.

    Raises:
        KneoError: there is no such profile, or profiles or project cannot be read.
    """
    if wanted.is_local:
        return None
    if wanted.profile:
        profile = read_profiles().find(wanted.profile)
        url = checked_url(wanted.service_url) if wanted.service_url else profile.service_url
        return Endpoint(url=url, named_by=f"the profile {wanted.profile}", api_key=profile.api_key or _key())
    if wanted.service_url:
        return Endpoint(url=checked_url(wanted.service_url), named_by="--service-url", api_key=_key())
    project = find_project(Path.cwd(), named=wanted.project)
    if project is not None and project.config.service.default_url:
        url = checked_url(project.config.service.default_url)
        return Endpoint(url=url, named_by=f"the project {project.path}", api_key=_key())
    profiles = read_profiles()
    if profiles.active is None:
        return None
    active = profiles.find(None)
    named_by = f"the active profile {profiles.active}"
    return Endpoint(url=active.service_url, named_by=named_by, api_key=active.api_key or _key())


def asks_service[**P](command: Callable[Concatenate[Service, P], None]) -> Callable[..., None]:
    """Give ``command`` the options that say which service, that service, and the way failures are told."""
    return _with_service(command, _open_installation, unable=Status.NOT_FINE)


def may_ask_service[**P](command: Callable[Concatenate[Service | None, P], None]) -> Callable[..., None]:
    """Do the same for a ``command`` that needs no service where none is named."""
    return _with_service(command, nullcontext, unable=Status.UNABLE)


def _with_service(
    command: Callable[..., None],
    open_local: Callable[[], AbstractContextManager[Service | None]],
    *,
    unable: Status,
) -> Callable[..., None]:
    own = inspect.signature(command).parameters

    @wraps(command, assigned=("__module__", "__name__", "__qualname__", "__doc__"))
    def ask(
        *,
        service_url: ServiceUrl = None,
        profile: ProfileName = None,
        local: Here = False,
        project: ProjectFile = None,
        **options: Any,
    ) -> None:
        if local and (service_url or profile):
            raise typer.BadParameter("Name a service or --local, not both.")
        wanted = Wanted(service_url=service_url, profile=profile, is_local=local, project=project)
        with failures_told(as_json=bool(options.get("as_json")), unable=unable):
            endpoint = endpoint_of(wanted)
            opened = open_local() if endpoint is None else Service.at(endpoint.url, api_key=endpoint.api_key)
            with opened as service:
                command(service, **options, **({"project": project} if "project" in own else {}))

    # The options of the command line are the parameters of both.
    added = dict(inspect.signature(ask, follow_wrapped=False).parameters)
    added.pop("options")
    kept = [each for name, each in own.items() if name not in {"service", "project"}]
    vars(ask)["__signature__"] = inspect.Signature([*kept, *added.values()], return_annotation=None)
    return ask


def _open_installation() -> AbstractContextManager[Service]:
    # Loaded when it is used: a client of another service need not wait for all of Django.
    local = import_module("kneo_project.cli.local")
    return cast("AbstractContextManager[Service]", local.open_installation())


def _key() -> str | None:
    return checked_key(os.environ.get(KEY_VARIABLE))
