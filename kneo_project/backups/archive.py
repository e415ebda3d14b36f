"""The file of a backup: a ZIP with the database and its manifest, written whole or not at all, for its owner only."""

import hashlib
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kneo_project.backups.errors import BackupFailed, BackupUnusable
from kneo_project.backups.manifest import Manifest, manifest_of

DATABASE, MANIFEST = "database", "manifest.json"
CHUNK = 1024 * 1024
# What reading an entry says, depending on which byte is another.
DAMAGES = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError)
type Write = Callable[[Callable[[bytes], None]], Mapping[str, int]]


def write_archive(path: Path, write: Write, check: Callable[[Path], None], *, compress: bool) -> Manifest:
    """Write a backup to ``path``: ``write`` gives what it is given to the database's entry, and returns the rows.

    What was written is read again, and goes through ``check``, before it gets its name.

    Raises BackupFailed.
    """
    if path.exists():
        raise BackupFailed(f"{path} is there already; no backup is overwritten.")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        manifest = _write_part(part, write, compress=compress)
        with unpacked(part) as (_, database):
            check(database)
        os.link(part, path)  # unlike a rename it refuses a name that somebody took meanwhile
        _sync(path.parent)
    except OSError as error:
        raise BackupFailed(f"{path} cannot be written: {error.strerror}.") from error
    except BackupUnusable as error:
        raise BackupFailed(f"What was written cannot be read again: {error.message}") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Manifest, Path]]:
    """Give the manifest, and the database in a file of its own that goes away: it is what the manifest says.

    Raises BackupUnusable.
    """
    manifest = read_manifest(path)
    target = path.with_name(f".{path.name}.{secrets.token_hex(4)}.database")
    try:
        if _unpack(path, target) != (manifest.sha256, manifest.size):
            raise BackupUnusable("The backup is damaged: its digest is another than its manifest says.")
        yield manifest, target
    finally:
        target.unlink(missing_ok=True)


def _unpack(path: Path, target: Path) -> tuple[str, int]:
    """Write the database of the backup to ``target``; return its digest and its size."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(DATABASE) as packed, _private(target) as whole:
            return _copy(packed, whole)
    except OSError as error:
        raise BackupUnusable(f"{path} cannot be unpacked: {error.strerror}.") from error
    except DAMAGES as error:
        raise BackupUnusable(f"{path} is no backup, or is damaged.") from error


def read_manifest(path: Path) -> Manifest:
    """Return what the backup says of itself. Raises BackupUnusable."""
    try:
        with zipfile.ZipFile(path) as archive:
            return Manifest.from_json(archive.read(MANIFEST))
    except OSError as error:
        raise BackupUnusable(f"{path} cannot be read: {error.strerror}.") from error
    except DAMAGES as error:
        raise BackupUnusable(f"{path} is no backup, or is damaged.") from error


def _write_part(part: Path, write: Write, *, compress: bool) -> Manifest:
    hashed, size = hashlib.sha256(), 0

    with _private(part) as stream:
        way = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with zipfile.ZipFile(stream, "w", way) as archive:
            with archive.open(DATABASE, "w", force_zip64=True) as entry:

                def take(chunk: bytes) -> None:
                    nonlocal size
                    hashed.update(chunk)
                    size += len(chunk)
                    entry.write(chunk)

                rows = write(take)
            manifest = manifest_of(rows=rows, size=size, digest=hashed.hexdigest())
            archive.writestr(MANIFEST, manifest.as_json())
        stream.flush()
        os.fsync(stream.fileno())
    return manifest


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def _copy(source: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        hashed.update(chunk)
        size += len(chunk)
        target.write(chunk)
    return hashed.hexdigest(), size


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
