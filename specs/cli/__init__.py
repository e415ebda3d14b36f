"""The commands over spec files, the same under ``kneo spec`` and ``manage.py spec``. They need no database.

Exit status: 0 fine, 1 the spec is not (invalid, not clean, blocked, not what was signed, not migrated), 2 wrong usage,
3 could not do it (no such file, no key, wrong settings).
"""

from specs.cli.app import app

__all__ = ["app"]
