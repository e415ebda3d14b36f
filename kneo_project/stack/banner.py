"""What a person needs to know once the stack is up."""

import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from rich.panel import Panel
from rich.table import Table

from kneo_project.principals import keyring
from kneo_project.stack.preparing import ADMIN


def base_url(listener: socket.socket) -> str:
    """Return the URL under which ``listener`` is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def banner(url: str, *, password: str | None) -> Panel:
    """Return the panel with the addresses, the login, the places of the state and the way to stop."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    rows.add_row("API docs", f"{url}/docs")
    rows.add_row("Admin", f"{url}/admin/")
    rows.add_row("Login", _login(password))
    rows.add_row("API keys", "required" if keyring().is_enforced else "off (KNEO_SERV_API_KEYS turns them on)")
    rows.add_row("Database", _database())
    rows.add_row("Broker", _broker())
    rows.add_row("Logs", str(settings.STATE_DIR / "logs"))
    return Panel(rows, title="kneo-serv is running", subtitle="Ctrl-C stops it", border_style="green", expand=False)


def _login(password: str | None) -> str:
    reset = f"kneo manage changepassword {ADMIN}"
    if password is None:
        return f"as set before; a new password: {reset}"
    return f"{ADMIN} / {password}\n(shown this once; a new one: {reset})"


def _database() -> str:
    entry = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(entry["NAME"])
    return f"{connection.vendor} {entry['NAME']} on {entry['HOST'] or 'the local socket'}"


def _broker() -> str:
    place = urlsplit(settings.BROKER_URL)
    return str(settings.BROKER_DIR) if place.scheme == "kneo-files" else f"{place.scheme} on {place.hostname}"
