"""Backups of PostgreSQL: by its own programs, of one moment, while the service goes on."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psycopg
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from kneo_project.backups.archive import CHUNK
from kneo_project.backups.errors import BackupFailed, BackupUnusable, RestoreFailed
from kneo_project.errors import KneoError
from kneo_project.redaction import redact_text

KEPT_OUT = ("--no-owner", "--no-privileges", "--no-comments")
DUMP, RESTORE, ASK = "pg_dump", "pg_restore", "psql"
# Whoever still uses a table keeps it from being replaced: rather an error than a wait without an end.
BEFORE = """\
BEGIN;
SET lock_timeout = '20s';
DO $$ DECLARE name text; BEGIN
FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
EXECUTE format('DROP TABLE IF EXISTS %I.%I CASCADE', current_schema(), name);
END LOOP; END $$;
"""
# Not an option of psql, which would commit what it has when whoever tells it the rest dies.
COMMIT = "COMMIT;\n"
COUNTED = """\
DO $$ DECLARE there bigint; BEGIN SELECT count(*) INTO there FROM {table};
IF there <> {rows} THEN RAISE EXCEPTION '% rows in {table} instead of {rows}', there; END IF; END $$;
"""
OTHERS = """\
SELECT count(*), string_agg(DISTINCT coalesce(client_addr::text, 'this machine'), ', ') FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
LOOKS, LOOK_AGAIN_SECONDS = 10, 0.2


def write(take: Callable[[bytes], None]) -> Mapping[str, int]:
    """Hand the database as it is at one moment to ``take``; return the rows that each table has then."""
    _refuse_old_tool(DUMP, _server_major(), BackupFailed)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            rows = {}
            for table in sorted(connection.introspection.table_names(cursor)):
                cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - its own name
                (rows[table],) = cursor.fetchone()
            _dump(snapshot, take)
    except DatabaseError as error:
        raise BackupFailed(f"The database cannot be read: {redact_text(str(error).strip())}.") from error
    return rows


def check(database: Path) -> None:
    """Raise BackupUnusable for a file that pg_restore cannot read to its end."""
    with database.open("rb") as stream, open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        error = _run([RESTORE, "--file=-"], stdin=stream, stdout=nowhere)
    if error is not None:
        raise BackupUnusable(f"The database in the backup cannot be read: {error}")


def put_back(database: Path, rows: Mapping[str, int], afterwards: Sequence[str]) -> None:
    """Replace all tables by those in the file ``database``, changed by ``afterwards``, in one transaction.

    Raises BackupUnusable and RestoreFailed.
    """
    for tool in (RESTORE, ASK):
        _refuse_old_tool(tool, _server_major(), RestoreFailed)
    quoted = {connection.ops.quote_name(table): count for table, count in rows.items()}
    counted = [COUNTED.format(table=table, rows=count) for table, count in quoted.items()]
    after = "".join(["RESET search_path;\n", *counted, *(f"{statement};\n" for statement in afterwards), COMMIT])
    _disconnect()
    with tempfile.TemporaryFile() as said:
        command = [ASK, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
        asking = _start(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        reason = _feed(asking, database, after)
        if asking.wait() or reason:
            raise RestoreFailed(f"Nothing was changed. {reason or _said(said)}")


def in_use() -> str | None:
    """Return who is connected besides us; None when nobody is."""
    parameters = connection.get_connection_params()
    _disconnect()
    with connection.wrap_database_errors, psycopg.connect(**parameters, autocommit=True) as asking:
        for _ in range(LOOKS):
            count, places = asking.execute(OTHERS).fetchone() or (0, "")
            if not count:
                return None
            time.sleep(LOOK_AGAIN_SECONDS)  # who has just gone is listed for a moment, and so are we
    return f"{count} connections are open besides this one, from: {places}."


def _disconnect() -> None:
    """Close the connection, and those that wait in the pool of this process."""
    own = connections[DEFAULT_DB_ALIAS]
    own.close()
    if isinstance(own, DatabaseWrapper):
        own.close_pool()


def _feed(asking: "subprocess.Popen[bytes]", database: Path, after: str) -> str | None:
    """Give psql what is to be done; return why it could not be told all of it."""
    error = None
    try:
        with _open(asking.stdin) as told:
            told.write(BEFORE.encode())
            told.flush()
            with database.open("rb") as stream:
                error = _run([RESTORE, "--file=-", *KEPT_OUT], stdin=stream, stdout=told)
            if error is None:
                told.write(after.encode())
    except BrokenPipeError:
        return None  # psql has ended, and says why
    return error


def _dump(snapshot: str, take: Callable[[bytes], None]) -> None:
    with tempfile.TemporaryFile() as said:
        command = [DUMP, "--format=custom", f"--snapshot={snapshot}", *KEPT_OUT, "--no-password"]
        dumping = _start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said)
        try:
            with _open(dumping.stdout) as dumped:
                while chunk := dumped.read(CHUNK):
                    take(chunk)
        except BaseException:
            dumping.kill()
            dumping.wait()
            raise
        if dumping.wait():
            raise BackupFailed(f"pg_dump ended with an error: {_said(said)}")


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    """Return the stream of a process that was started with one."""
    if stream is None:
        raise AssertionError("the process was started without this stream")
    return stream


def _start(command: list[str], **streams: "int | IO[bytes] | None") -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, env=_environment(), **streams)  # type: ignore[call-overload,no-any-return] # noqa: S603


def _run(command: list[str], *, stdin: IO[bytes], stdout: IO[bytes]) -> str | None:
    """Run to the end; return what went wrong, if anything did."""
    with tempfile.TemporaryFile() as said:
        ended = _start(command, stdin=stdin, stdout=stdout, stderr=said).wait()
        return _said(said) if ended else None


def _environment() -> dict[str, str]:
    """Return what tells the programs where the database is: what is on a command line, all can read."""
    given = connection.settings_dict
    _, environment = connection.client.settings_to_cmd_args_env(given, [])
    named = {"PGHOST": given["HOST"], "PGPORT": given["PORT"], "PGUSER": given["USER"], "PGDATABASE": given["NAME"]}
    return {**os.environ, **{name: str(value) for name, value in named.items() if value}, **(environment or {})}


def _server_major() -> int:
    return connection.get_database_version()[0]


def _refuse_old_tool(tool: str, server: int, refusal: type[KneoError]) -> None:
    """Raise ``refusal`` when ``tool`` is not there, or cannot know what this server has."""
    if shutil.which(tool) is None:
        raise refusal(f"{tool} is not on this machine: install the client programs of PostgreSQL {server} or newer.")
    told = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(r"(\d+)\.?\d*", told)
    if found is None or int(found[1]) < server:
        raise refusal(
            f"{tool} is of version {found[1] if found else '?'}, and the server of {server}: install newer ones."
        )


def _said(stream: IO[bytes]) -> str:
    """Return the first line of an error that a program has written."""
    stream.seek(0)
    lines = stream.read(64 * 1024).decode(errors="replace").splitlines()
    told = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "it does not say why")
    return redact_text(told.strip())
