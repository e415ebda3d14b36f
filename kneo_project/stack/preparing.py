"""What must be true before the stack starts: the schema of this code, and somebody who can log in."""

import secrets

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.db.migrations.exceptions import InconsistentMigrationHistory

from kneo_project.schema import schema_difference
from kneo_project.stack.listening import StartRefused

ADMIN = "admin"


def bring_schema_up_to_date() -> None:
    """Apply the missing migrations; raise ``StartRefused`` when the database is newer than this code, or damaged."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
        if missing := schema_difference().missing:
            raise StartRefused(f"The database still lacks {', '.join(missing)} after migrating.")
    except CommandError as error:
        raise StartRefused(str(error)) from error
    except InconsistentMigrationHistory as error:
        raise StartRefused(f"The schema of the database is partial: {error}") from error
    except DatabaseError as error:
        raise StartRefused(f"The database cannot be prepared: {str(error).strip() or type(error).__name__}") from error


def ensure_admin() -> str | None:
    """Create the superuser ``admin`` while there are no users, and return its password: nobody can ask for it again."""
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMIN, password=password)
    return password
