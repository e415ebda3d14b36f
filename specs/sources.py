"""Reading spec files that a caller names: only inside the spec root, only ordinary files, only so much."""

import contextlib
import os
import stat
from pathlib import Path

from django.conf import settings

from kneo_project.errors import InvalidRequest
from specs.errors import SpecInvalid, SpecPathConfined
from specs.language.diagnostics import Position, SpecSyntaxError, syntax_error
from specs.language.limits import MAX_TEXT_CHARS
from specs.language.parsing import Document, load

# Where the system has it, passing through a directory needs no right to list it.
ON_THE_WAY = getattr(os, "O_PATH", os.O_RDONLY)
MOST_BYTES = 4 * MAX_TEXT_CHARS  # no UTF-8 character is longer than four bytes


def read_document(path: str) -> Document:
    """Read the spec or overlay at ``path``, as confined as ``confined_path`` says.

    Raises:
        SpecPathConfined: the path leads outside the spec root.
        InvalidRequest: there is no such file, or it is not an ordinary one.
        SpecInvalid: the text is not a readable document.
    """
    real_path = confined_path(path)
    try:
        return load(read_text(real_path), name=Path(path).name)
    except SpecSyntaxError as error:
        raise SpecInvalid.because(error.diagnostics) from error


def confined_path(path: str) -> Path:
    """Return ``path``, relative to the working directory, as it really is; it must lie inside the spec root.

    Raises:
        SpecPathConfined: it starts with ``~``, contains ``..`` or, symbolic links followed, lies elsewhere.
    """
    if path.startswith("~") or ".." in Path(path).parts:
        raise SpecPathConfined
    try:
        real_path = resolved(path)
    except InvalidRequest:
        raise SpecPathConfined from None
    if not real_path.is_relative_to(settings.SPEC_ROOT):
        raise SpecPathConfined
    return real_path


def read_named(path: str) -> str:
    """Return the text of the file at ``path``, links followed, for the person at the keyboard: it is not confined.

    Raises:
        InvalidRequest: as ``read_text``, or it is no path.
        SpecSyntaxError: as ``read_text``.
    """
    return read_text(resolved(path))


def is_directory(path: Path) -> bool:
    """Return whether ``path`` is a directory; whatever cannot be looked at is none."""
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, a directory that nobody may enter
        return False


def exists(path: Path) -> bool:
    """Return whether there is something at ``path`` that can be looked at."""
    try:
        return path.exists()
    except OSError:
        return False


def resolved(path: str) -> Path:
    """Return ``path`` with all symbolic links followed; it need not exist.

    Raises:
        InvalidRequest: the links go round in a circle, or it is no path.
    """
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL character
        raise InvalidRequest("The spec file was not found or cannot be read.") from None


def read_text(path: Path) -> str:
    """Return the text of the file at ``path``, in which all symbolic links are resolved.

    Raises:
        InvalidRequest: there is no such file, or it is not an ordinary one.
        SpecSyntaxError: it is not UTF-8 text.
    """
    try:
        with open(path, "rb", opener=_open_unfollowed) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise InvalidRequest("The spec path is not an ordinary file.")
            raw = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError):
        raise InvalidRequest("The spec file was not found or cannot be read.") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise syntax_error("The file is not UTF-8 text.", Position(1, 1)) from None


def _open_unfollowed(path: str, flags: int) -> int:
    # Nobody may swap a link in after the path was resolved, and O_NOFOLLOW looks only at the last name: so each
    # directory on the way is opened like that. Opening a named pipe must not wait for its writer.
    *directories, name = Path(path).parts
    with contextlib.ExitStack() as opened:
        at: int | None = None
        for directory in directories:
            at = os.open(directory, ON_THE_WAY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            opened.callback(os.close, at)
        return os.open(name, flags | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=at)
