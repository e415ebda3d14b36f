"""The services that a person has given names, with their keys: one file, for its owner's eyes."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import httpx2

from kneo_project.errors import InvalidRequest, NotFound

PATH_VARIABLE = "KNEO_SERV_PROFILES_PATH"
VERSION = 1


class ProfileNotFound(NotFound):
    """There is no profile of that name."""


class ProfilesUnusable(InvalidRequest):
    """The file of the profiles cannot be used."""

    code = "profiles_unusable"


class NoHome(ProfilesUnusable):
    """There is no home directory for the profiles; set KNEO_SERV_PROFILES_PATH."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A service, and the key that opens it."""

    service_url: str
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """Every profile by its name, and which is meant when none is named."""

    active: str | None = None
    named: Mapping[str, Profile] = field(default_factory=dict)

    def find(self, name: str | None) -> Profile:
        """Return the profile ``name``, by default the active one.

        Raises:
            ProfileNotFound: there is none.
        """
        chosen = name or self.active
        if chosen is None:
            raise ProfileNotFound("No profile is active; choose one with: kneo config profile use NAME")
        if chosen not in self.named:
            raise ProfileNotFound(f"There is no profile {chosen!r}.", profile=chosen)
        return self.named[chosen]

    def having(self, name: str, profile: Profile, *, activate: bool) -> Self:
        """Return these with ``profile`` as ``name``."""
        return replace(self, named={**self.named, name: profile}, active=name if activate else self.active)

    def using(self, name: str) -> Self:
        """Return these with ``name`` active.

        Raises:
            ProfileNotFound: there is none of that name.
        """
        self.find(name)
        return replace(self, active=name)

    def without(self, name: str) -> Self:
        """Return these without ``name``, whether or not there is one."""
        named = {each: profile for each, profile in self.named.items() if each != name}
        return replace(self, named=named, active=None if self.active == name else self.active)


def profiles_path() -> Path:
    """Return where the file is, or would be.

    Raises:
        NoHome: nobody says where.
    """
    named = os.environ.get(PATH_VARIABLE, "").strip()
    try:
        return Path(named).expanduser() if named else Path.home() / ".kneo_serv" / "profiles.json"
    except RuntimeError:
        raise NoHome from None


def read_profiles() -> Profiles:
    """Return the profiles of the file; none, if there is no file.

    Raises:
        ProfilesUnusable: it cannot be read, or is not what a file of profiles looks like.
    """
    try:
        path = profiles_path()
    except NoHome:
        return Profiles()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Profiles()
    except OSError as error:
        raise ProfilesUnusable(f"The profiles {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise _not_profiles(path) from None
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise _not_profiles(path) from None


def write_profiles(profiles: Profiles) -> None:
    """Replace the file, at once and whole; nobody but its owner may read it.

    Raises:
        ProfilesUnusable: it cannot be written.
    """
    path = profiles_path()
    document = {
        "version": VERSION,
        "active": profiles.active,
        "profiles": {
            name: {"service_url": profile.service_url, "api_key": profile.api_key}
            for name, profile in profiles.named.items()
        },
    }
    try:
        _replace(path.resolve(), json.dumps(document, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        raise ProfilesUnusable(f"The profiles {path} cannot be written: {error.strerror}.") from None


def checked_url(text: str) -> str:
    """Return the URL of a service as it is kept: without a slash at its end, or the version that every path has.

    Raises:
        InvalidRequest: it is none that can be called.
    """
    try:
        url = httpx2.URL(text.strip())
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment:
        raise InvalidRequest("The URL of a service looks like https://kneo.example.com.")
    if url.userinfo:
        raise InvalidRequest("The URL of a service must not hold a password: it is shown.")
    return str(url).rstrip("/").removesuffix("/v1").rstrip("/")


def checked_key(text: str | None) -> str | None:
    """Return the key as it is sent; None, if there is none.

    Raises:
        InvalidRequest: no header can hold it.
    """
    key = (text or "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidRequest("The API key has characters that no key has.")
    return key or None


def _not_profiles(path: Path) -> ProfilesUnusable:
    # What is wrong with it is not repeated: it may be a key.
    return ProfilesUnusable(
        f"The file {path} does not hold profiles as this release knows them. Mend it, or move it away and make them"
        " anew with: kneo config profile set. --local does without."
    )


def _parsed(document: Mapping[str, Any]) -> Profiles:
    if document.get("version", VERSION) != VERSION:
        raise ValueError
    named = {name: _profile(**values) for name, values in document["profiles"].items()}
    active = document.get("active")
    return Profiles(active=active if active in named else None, named=named)


def _profile(*, service_url: str, api_key: str | None = None, **_: object) -> Profile:
    return Profile(service_url=checked_url(service_url), api_key=checked_key(api_key))


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, written = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(written).replace(path)
    except BaseException:
        Path(written).unlink(missing_ok=True)
        raise
