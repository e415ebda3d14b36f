"""The database: whether it answers, what it is, and how much room it has left."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.exceptions import InconsistentMigrationHistory

from kneo_project.doctor.findings import Finding, first_line, ok, warning, wrong
from kneo_project.schema import schema_difference
from kneo_project.transient import Trouble, trouble_of

DATABASE, MIGRATIONS, CLOCK = "database", "migrations", "clock"
MEBIBYTE = 1024 * 1024
LARGE_WAL_BYTES = 256 * MEBIBYTE
HELD_WAL_BYTES = 1024 * MEBIBYTE
LONG_TRANSACTION_SECONDS = 600
SKEW_SECONDS = 1.0
FEW_CONNECTIONS = 3
# Enough to need new pages of the database's files. It is undone, and on PostgreSQL no other table grows for it.
_A_MEBIBYTE = {
    "postgresql": "CREATE TEMPORARY TABLE kneo_room AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
    "sqlite": "CREATE TABLE kneo_room AS SELECT zeroblob(1000000)",
}


def silence() -> Finding | None:
    """Return that the database cannot be reached, if so: then nothing else need be asked of it."""
    file = Path(settings.DATABASES["default"]["NAME"])
    if connection.vendor == "sqlite" and not file.exists():
        return wrong(DATABASE, f"There is no file {file}.", "Run: kneo migrate, or correct KNEO_SERV_STATE_DIR.")
    try:
        _knock()
        _values("SELECT 1")
    except (DatabaseError, psycopg.Error) as error:
        connection.close()
        remedy = "Start it, or correct KNEO_SERV_DATABASE_URL. Nothing is lost: runs go on once it is back."
        if connection.vendor == "sqlite":
            remedy = "Let the user of the service read and write the file and its directory."
        return wrong(DATABASE, f"{_place()} does not answer: {first_line(error)}.", remedy)
    return None


def database() -> Iterator[Finding]:
    """Yield what the server, or the file, is like."""
    yield _version()
    yield from _postgresql() if connection.vendor == "postgresql" else _sqlite()
    yield from _writing()


def migrations() -> Iterator[Finding]:
    """Yield whether the schema is exactly that of this code."""
    try:
        difference = schema_difference()
    except InconsistentMigrationHistory as error:
        yield wrong(MIGRATIONS, f"{first_line(error)}", "Restore a backup: tables were changed in an impossible order.")
        return
    if difference.unknown:
        text = f"The database was migrated by a newer release: {', '.join(difference.unknown)}."
        yield wrong(MIGRATIONS, text, "Install that release here too; an older one must not write.")
    if difference.missing:
        text = f"The database lacks {len(difference.missing)} migrations: {_some(difference.missing)}."
        yield wrong(MIGRATIONS, text, "Run: kneo migrate")
    if not difference:
        yield ok(MIGRATIONS, "The schema is that of this release.")


def clock() -> Iterator[Finding]:
    """Yield how far this machine's clock is from the database's: leases are measured by that one."""
    if connection.vendor != "postgresql":
        yield ok(CLOCK, "The database has the clock of this machine.")
        return
    before = time.time()
    (there,) = _values("SELECT clock_timestamp()")
    took = time.time() - before
    skew = abs((datetime.fromtimestamp(before + took / 2, tz=UTC) - there).total_seconds())
    text = f"This machine's clock and the database's differ by {skew:.1f} s."
    if skew - took > settings.WORKER_LEASE_SECONDS / 2:
        yield wrong(CLOCK, text, "Synchronise both with NTP: deadlines and waits are early or late by as much.")
    elif skew - took > SKEW_SECONDS:
        yield warning(CLOCK, text, "Synchronise both with NTP.")
    else:
        yield ok(CLOCK, text)


def _knock() -> None:
    """Connect without the pool, which waits long for a server that is away, and does not say why it is."""
    if connection.vendor == "postgresql":
        psycopg.connect(**connection.get_connection_params()).close()


def _version() -> Finding:
    version = ".".join(map(str, connection.get_database_version()))
    oldest = connection.features.minimum_database_version
    name = f"{connection.display_name} {version}"
    if oldest and connection.get_database_version() < oldest:
        needed = ".".join(map(str, oldest))
        return wrong(DATABASE, f"{name} is too old.", f"Upgrade it to {needed} or newer.")
    return ok(DATABASE, f"{_place()} answers: {name}.")


def _postgresql() -> Iterator[Finding]:
    encoding, zone = _values("SELECT current_setting('server_encoding'), current_setting('TimeZone')")
    if encoding != "UTF8":
        remedy = "Make a database with ENCODING 'UTF8' and restore a backup into it."
        yield wrong(DATABASE, f"The database stores texts as {encoding}, so that some cannot be stored.", remedy)
    if zone != "UTC":
        yield warning(DATABASE, f"Connections have the time zone {zone}.", "Let them have UTC.")
    yield from _durability()
    yield _connections()
    yield from _transactions()
    yield from _wal()


def _writing() -> Iterator[Finding]:
    """Yield why nothing can be written, if so."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_A_MEBIBYTE[connection.vendor])
            transaction.set_rollback(True)
    except DatabaseError as error:
        match trouble_of(error):
            case Trouble.FULL:
                remedy = "Make room on the database's disk. Nothing is lost: what was refused goes on by itself."
                yield wrong(DATABASE, f"The database has no room left: {first_line(error)}.", remedy)
            case Trouble.READ_ONLY:
                remedy = "Let the service write: to the file and its directory, or point it at the primary."
                yield wrong(DATABASE, f"The database can only be read: {first_line(error)}.", remedy)
            case _:
                remedy = "The role of the service may make temporary tables, and nobody may hold the file for long."
                yield warning(DATABASE, f"Writing could not be tried: {first_line(error)}.", remedy)


def _durability() -> Iterator[Finding]:
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        (value,) = _values("SELECT current_setting(%s)", name)
        if value == "off":
            text = f"{name} is off: what was promised is lost when the server's machine fails."
            yield warning(DATABASE, text, f"Turn {name} on in postgresql.conf.")


def _connections() -> Finding:
    most, reserved, used = _values(
        "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int,"
        " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
    )
    left = most - reserved - used
    text = f"{left} of {most} connections are left."
    remedy = "Raise max_connections, lower KNEO_SERV_DATABASE_POOL_SIZE, or put a pooler in front."
    if left < FEW_CONNECTIONS:
        return wrong(DATABASE, text, remedy)
    if left < settings.DATABASE_POOL_SIZE:
        return warning(DATABASE, f"{text} One more process may need {settings.DATABASE_POOL_SIZE}.", remedy)
    return ok(DATABASE, text)


def _transactions() -> Iterator[Finding]:
    oldest = _values(
        "SELECT pid, extract(epoch FROM now() - xact_start)::int FROM pg_stat_activity"
        " WHERE xact_start IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"  # vacuuming a large table takes long, and holds nothing up
        " ORDER BY xact_start LIMIT 1"
    )
    if oldest and oldest[1] > LONG_TRANSACTION_SECONDS:
        text = f"Connection {oldest[0]} has been in one transaction for {oldest[1]} s, so that nothing is vacuumed."
        yield warning(DATABASE, text, f"If nobody needs it: SELECT pg_terminate_backend({oldest[0]})")


def _wal() -> Iterator[Finding]:
    held = _values(
        "SELECT slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots"
        " WHERE NOT active AND restart_lsn IS NOT NULL AND NOT pg_is_in_recovery() ORDER BY 2 DESC LIMIT 1"
    )
    if held and held[1] > HELD_WAL_BYTES:
        text = f"Nobody reads the replication slot {held[0]}, which holds {size(held[1])} of WAL back."
        yield warning(DATABASE, text, "Start who reads it, or drop it, before the server's disk is full.")
    (taken,) = _values("SELECT pg_database_size(current_database())")
    yield ok(DATABASE, f"The database takes {size(taken)} on the server.")


def _sqlite() -> Iterator[Finding]:
    (encoding,), (mode,) = _values("PRAGMA encoding"), _values("PRAGMA journal_mode")
    if encoding != "UTF-8":
        yield warning(DATABASE, f"The file stores texts as {encoding}.", "Make it anew from a backup.")
    if mode not in {"wal", "memory"}:
        remedy = "Keep the file on a local disk: WAL does not work on network file systems."
        yield wrong(
            DATABASE, f"The file is in the journal mode {mode}: readers and writers wait for each other.", remedy
        )
    file = Path(settings.DATABASES["default"]["NAME"])
    wal = file.with_name(f"{file.name}-wal")
    held = wal.stat().st_size if wal.exists() else 0
    told = f"The file takes {size(file.stat().st_size)}, its WAL {size(held)}." if file.exists() else ""
    if held > LARGE_WAL_BYTES:
        yield warning(DATABASE, told, "A reader has held it for long: restart the processes one by one.")
    elif told:
        yield ok(DATABASE, told)


def _values(statement: str, *parameters: str) -> tuple[Any, ...]:
    """Return the first row that ``statement`` finds; nothing when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone() or ()


def _place() -> str:
    """Return what database is meant, without who logs in and how."""
    entry = settings.DATABASES["default"]
    if connection.vendor != "postgresql":
        return f"The file {entry['NAME']}"
    host, port = entry.get("HOST") or "the local socket", entry.get("PORT")
    return f"{entry['NAME']} at {host}{f':{port}' if port else ''}"


def _some(names: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def size(count: float) -> str:
    """Return a number of bytes as a person reads it."""
    amount = float(count) / MEBIBYTE
    return f"{amount:.1f} MiB" if amount < 1024 else f"{amount / 1024:.1f} GiB"
