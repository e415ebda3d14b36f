"""A database of its own for each deployment."""

import uuid
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests import services


class PostgresDatabase:
    """A fresh, empty database on the test server, or on the one at ``server_url``; dropped by ``drop``."""

    def __init__(self, server_url: str | None = None, *, tablespace: str = "pg_default") -> None:
        self.name = f"kneo_acc_{uuid.uuid4().hex[:12]}"
        self._admin_url = server_url or services.POSTGRES.url
        self.url = urlsplit(self._admin_url)._replace(path=f"/{self.name}").geturl()
        made = sql.SQL("CREATE DATABASE {} TABLESPACE {}")
        self._administer(made.format(sql.Identifier(self.name), sql.Identifier(tablespace)))

    def attempts(self, run_id: str) -> int:
        """Return how many deaths the run is blamed for."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute("SELECT attempts FROM runs_run WHERE id = %s", (run_id,)).fetchone()
        return int(row[0]) if row else 0

    def age(self, tag: str, *, days: int) -> int:
        """Let the runs with ``tag`` that have ended be over for as many days; return how many there are."""
        update = """
            UPDATE runs_run SET completed_at = completed_at - make_interval(days => %s)
            WHERE completed_at > now() - interval '1 day' AND id IN (
                SELECT run_id FROM runs_runlabel WHERE name = '' AND value = %s
            )
        """
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(update, (days, tag)).rowcount

    def terminate_connections(self) -> int:
        """Break every connection to this database, from the server's side; return how many there were."""
        victims = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
        return self._administer(sql.SQL(victims).format(sql.Literal(self.name)))

    def drop(self) -> None:
        """Drop the database, whoever is connected."""
        self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))

    def _administer(self, statement: sql.Composed) -> int:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            return connection.execute(statement).rowcount
