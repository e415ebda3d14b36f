"""Reading spec files that a caller names: only inside the spec root, only ordinary files, only so much."""

import os
import stat
from pathlib import Path

from django.conf import settings

from kneo_project.errors import InvalidRequest
from specs.errors import SpecInvalid, SpecPathConfined
from specs.language.diagnostics import SpecSyntaxError
from specs.language.limits import MAX_TEXT_CHARS
from specs.language.parsing import Document, load

MOST_BYTES = 4 * MAX_TEXT_CHARS  # no UTF-8 character is longer than four bytes


def read_document(path: str) -> Document:
    """Read the spec or overlay at ``path``, as confined as ``confined_path`` says.

    Raises:
        SpecPathConfined: the path leads outside the spec root.
        InvalidRequest: there is no such file, or it is not an ordinary one.
        SpecInvalid: the text is not a readable document.
    """
    text = _read_text(confined_path(path))
    try:
        return load(text, name=Path(path).name)
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
        resolved = Path(path).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL character
        raise SpecPathConfined from None
    if not resolved.is_relative_to(settings.SPEC_ROOT):
        raise SpecPathConfined
    return resolved


def _read_text(path: Path) -> str:
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its writer. O_NOFOLLOW: the path has been resolved before.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise InvalidRequest("The spec file was not found or cannot be read.") from None
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise InvalidRequest("The spec path is not a file.")
        raw = stream.read(MOST_BYTES + 1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SpecInvalid("The spec file is not UTF-8 text.", diagnostics=[]) from None
