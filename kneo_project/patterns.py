"""Regular expressions that users write, matched in linear time: none can hang a process."""

import re2


class UnsoundPattern(ValueError):
    """What was given is no regular expression of this engine; the message says why."""


class Pattern:
    """A regular expression in the syntax of RE2: Python's, without look-around and back-references.

    Raises:
        UnsoundPattern: ``text`` is not one.
    """

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled = re2.compile(text, options)
        except re2.error as error:
            raise UnsoundPattern(_reason(error)) from None
        except UnicodeEncodeError:
            raise UnsoundPattern("it has a character that no text can hold") from None

    def is_in(self, text: str) -> bool:
        """Return whether it matches somewhere in ``text``."""
        return self._compiled.search(text.encode("utf-8", "replace").decode()) is not None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "it cannot be read"
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
