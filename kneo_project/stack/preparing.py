"""What must be true before the stack starts: a port, the schema of this code, and somebody who can log in."""

import errno
import ipaddress
import secrets
import socket

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError
from django.db.migrations.exceptions import InconsistentMigrationHistory

from kneo_project.schema import schema_difference

ADMIN = "admin"


class StartRefused(Exception):
    """The stack cannot start; the message says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket on ``host``; port 0 means any free one.

    The web child inherits it, so that no other program can take the port between two of its lives. Raises
    ``StartRefused`` when the port is taken, or when the address is public while anybody could use the API.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not (settings.AUTH_ENABLED or ipaddress.ip_address(address[0]).is_loopback):
            raise StartRefused(
                f"Authentication is off, so {host} would open the API to everybody. Set KNEO_SERV_AUTH_ENABLED=true "
                "and KNEO_SERV_API_KEYS, or stay on 127.0.0.1."
            )
        return socket.create_server((str(address[0]), port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartRefused(f"Port {port} on {host} is taken by another program; choose one with --port.") from error
        raise StartRefused(f"Cannot listen on {host} port {port}: {error.strerror}.") from error


def bring_schema_up_to_date() -> None:
    """Apply the missing migrations; raise ``StartRefused`` when the database is newer than this code, or damaged."""
    try:
        if unknown := schema_difference().unknown:
            raise StartRefused(
                f"The database was written by a newer version: this one does not know {', '.join(unknown)}. "
                "Install that version, or start on another database."
            )
        call_command("migrate", interactive=False, verbosity=0)
        if missing := schema_difference().missing:
            raise StartRefused(f"The database still lacks {', '.join(missing)} after migrating.")
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
