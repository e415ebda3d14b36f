"""Who runs a command."""

import getpass


def caller() -> str:
    """Return what the audit log calls whoever runs this command: they have an account on this machine, and no key."""
    return f"manage.py ({getpass.getuser()})"
