"""What runs cost the database's log: durable commits and bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.benchmarks.bench import Bench

# Every record that touches this database, and every commit of a transaction that wrote to it: other databases of the
# server, and transactions that only read, do not count.
CENSUS = """
WITH records AS MATERIALIZED (
    SELECT xid, resource_manager, record_type, record_length,
        block_ref LIKE '%%/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/%%' AS is_ours
    FROM pg_get_wal_records_info(%s, %s)
), writers AS (SELECT DISTINCT xid FROM records WHERE is_ours AND xid::text <> '0')
SELECT count(*) FILTER (WHERE resource_manager = 'Transaction' AND record_type LIKE 'COMMIT%%' AND NOT is_ours),
    sum(record_length)::float
FROM records LEFT JOIN writers USING (xid) WHERE is_ours OR writers.xid IS NOT NULL
"""
POSITION = "SELECT pg_current_wal_flush_lsn()::text, pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
DISTANCE = "SELECT pg_wal_lsn_diff(%s, %s)::float"


@dataclass(slots=True, kw_only=True)
class Cost:
    """Filled in when the measured block has ended."""

    commits: float = 0
    bytes: float = 0
    method: str = ""


@contextmanager
def counted(bench: Bench) -> Iterator[Cost]:
    """Count what the block commits."""
    cost = Cost()
    has_inspection = _has_inspection(bench.connection)
    begin, first = bench.one(POSITION)
    yield cost
    end, last = bench.one(POSITION)
    if has_inspection:
        cost.commits, cost.bytes = bench.one(CENSUS, begin, end)
        cost.method = "commit records of this database, by pg_walinspect"
    else:
        (cost.bytes,) = bench.one(DISTANCE, end, begin)
        cost.commits = last - first
        cost.method = "transaction ids of the whole server: pg_walinspect is not available"


def _has_inspection(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
    except psycopg.Error:
        return False
    return True
