"""What can go wrong with a backup, in sentences."""

from kneo_project.errors import KneoError


class BackupFailed(KneoError):
    """The backup could not be made."""

    code = "backup_failed"


class BackupUnusable(KneoError):
    """The file is no backup that can be put back here."""

    code = "backup_unusable"


class RestoreRefused(KneoError):
    """The database is in use, or holds something."""

    code = "restore_refused"


class RestoreFailed(KneoError):
    """The backup could not be put back; the database is as it was."""

    code = "restore_failed"
