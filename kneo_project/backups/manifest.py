"""What a backup says of itself: by what it was made, of what, when, and how it can be told to be whole."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Self

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from kneo_project.backups.errors import BackupUnusable
from kneo_project.schema import known_migrations
from kneo_project.version import version

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """``rows`` counts the rows of each table, ``migrations`` are applied ones as ``app.name``.

    ``key_mark`` tells whether the secret key is still the same, and not what it is.
    """

    format: int
    version: str
    engine: str
    engine_version: tuple[int, ...]
    made_at: str
    migrations: tuple[str, ...]
    rows: Mapping[str, int]
    size: int
    sha256: str
    key_mark: str

    def as_json(self) -> str:
        """Return the manifest as it is stored."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read a manifest. Raises BackupUnusable."""
        try:
            fields = json.loads(text)
            if fields["format"] != FORMAT:
                raise BackupUnusable(f"The backup has the format {fields['format']}, made by another release.")
            lists = {name: tuple(fields[name]) for name in ("engine_version", "migrations")}
            return cls(**{**fields, **lists})
        except (ValueError, TypeError, KeyError) as error:
            raise BackupUnusable("The manifest of the backup cannot be read.") from error

    def refuse_misfit(self) -> None:
        """Raise BackupUnusable for a backup of another engine, or of a schema that this code does not know."""
        if self.engine != connection.vendor:
            raise BackupUnusable(f"The backup is of {self.engine}, and this database is {connection.vendor}.")
        unknown = sorted(set(self.migrations) - known_migrations())
        if unknown:
            text = (
                f"The backup was made by a newer release ({self.version}; {', '.join(unknown[:3])}): install that one."
            )
            raise BackupUnusable(text)


def manifest_of(*, rows: Mapping[str, int], size: int, digest: str) -> Manifest:
    """Return the manifest of a backup of the present database."""
    applied = MigrationRecorder(connection).applied_migrations()
    return Manifest(
        format=FORMAT,
        version=version(),
        engine=connection.vendor,
        engine_version=connection.get_database_version(),
        made_at=timezone.now().isoformat(timespec="seconds"),
        migrations=tuple(sorted(f"{app}.{name}" for app, name in applied)),
        rows=dict(sorted(rows.items())),
        size=size,
        sha256=digest,
        key_mark=key_mark(),
    )


def key_mark() -> str:
    """Return something that only the present secret key gives."""
    return hmac.new(settings.SECRET_KEY.encode(), b"kneo_project.backups", sha256).hexdigest()[:16]
