"""Management commands, as ``manage.py`` and ``kneo manage`` run them."""

import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError, Error

from kneo_project.redaction import redact_text
from kneo_project.transient import REFUSALS, Trouble, trouble_of


def run_command(words: Sequence[str]) -> None:
    """Run the command of ``words``, the first of which is the program; what an operator can mend is a sentence."""
    try:
        execute_from_command_line(list(words))
    except ImproperlyConfigured as error:
        sys.exit(f"The settings are wrong: {error}")
    except Error as error:
        trouble = trouble_of(error)
        if trouble in {Trouble.FULL, Trouble.READ_ONLY}:
            sys.exit(REFUSALS[trouble]().message)
        if trouble is None and type(error) is not DatabaseError:  # which a file is that is no database
            raise
        sys.exit(f"The database cannot be used: {redact_text(str(error).strip())}. Ask: kneo manage doctor")
