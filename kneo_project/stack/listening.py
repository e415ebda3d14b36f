"""The socket that a server of the stack listens on, made before the server starts and inherited by it."""

import errno
import ipaddress
import socket

from kneo_project.principals import keyring

BACKLOG = 2048  # connections that may wait, as gunicorn has it


class StartRefused(Exception):
    """The stack cannot start; the message says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket on ``host``; port 0 means any free one.

    The server inherits it, so that no other program can take the port between two of its lives. Raises
    ``StartRefused`` when the port is taken, or when the address is public while anybody could use the API;
    ``ImproperlyConfigured`` when the API keys cannot be read.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not (ipaddress.ip_address(address[0]).is_loopback or keyring().is_enforced):
            raise StartRefused(
                f"Authentication is off, so {host} would open the API to everybody. Set KNEO_SERV_API_KEYS, "
                "or stay on 127.0.0.1."
            )
        return socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartRefused(f"Port {port} on {host} is taken by another program; choose one with --port.") from error
        raise StartRefused(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
