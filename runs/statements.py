"""The hot path on PostgreSQL: the same writes as the ORM's, each as one statement, one round trip and one commit.

``writing.write`` and ``transitions.claim`` are its equivalents on other databases, and both pass the same tests.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction

from runs.changes import Change
from runs.engine.lifecycle import TERMINAL
from runs.models import Priority
from runs.rows import checkpoint_columns, event_columns, shown_output

# Those who create runs wait as long as somebody waits for the lock on the specs.
LOCK_MILLISECONDS = 200
LOCK_NOT_AVAILABLE = "55P03"
CHECKPOINT_COLUMNS = {
    "type": "text",
    "status": "text",
    "step_id": "text",
    "path": "text",
    "iteration": "integer",
    "attempt": "smallint",
    "input_text": "text",
    "output_text": "text",
    "error_type": "text",
    "error_message": "text",
    "details": "jsonb",
    "cursor": "jsonb",
    "started_at": "timestamptz",
    "created_at": "timestamptz",
}
EVENT_COLUMNS = {
    "type": "text",
    "at": "timestamptz",
    "step_id": "text",
    "agent_name": "text",
    "input_preview": "text",
    "output_preview": "text",
    "error": "text",
    "model": "jsonb",
    "metadata": "jsonb",
}


def _of_row(columns: Mapping[str, str]) -> str:
    return ", ".join(f"r.{name}" for name in columns)


def _typed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


_WRITE = f"""
WITH moved AS (
    UPDATE runs_run SET
        status = %(status)s,
        cursor = COALESCE(%(cursor)s::jsonb, cursor),
        sequence = sequence + %(records)s::integer,
        trace_count = trace_count + %(events)s::integer,
        updated_at = %(at)s,
        completed_at = CASE WHEN %(is_terminal)s::boolean THEN %(at)s ELSE completed_at END,
        output_text = COALESCE(%(output_text)s::text, output_text),
        error_type = COALESCE(%(error_type)s::text, error_type),
        error_message = COALESCE(%(error_message)s::text, error_message),
        input_tokens = COALESCE(input_tokens + %(input_tokens)s::bigint, input_tokens, %(input_tokens)s::bigint),
        output_tokens = COALESCE(output_tokens + %(output_tokens)s::bigint, output_tokens, %(output_tokens)s::bigint),
        total_tokens = COALESCE(total_tokens + %(total_tokens)s::bigint, total_tokens, %(total_tokens)s::bigint),
        cost_nanos = COALESCE(cost_nanos + %(cost_nanos)s::bigint, cost_nanos, %(cost_nanos)s::bigint),
        lease_owner = CASE WHEN %(keeps_lease)s::boolean THEN lease_owner END,
        wake_at = CASE WHEN %(keeps_lease)s::boolean THEN wake_at ELSE %(wake_at)s::timestamptz END,
        fence = fence + CASE WHEN %(keeps_lease)s::boolean THEN 0 ELSE 1 END
    WHERE id = %(run_id)s AND status = ANY(%(sources)s)
        AND (%(fence)s::bigint IS NULL OR fence = %(fence)s::bigint)
        AND (%(owner_id)s::text IS NULL OR lease_owner = %(owner_id)s::text)
        AND (%(sequence)s::integer IS NULL OR sequence = %(sequence)s::integer)
    RETURNING id, sequence, trace_count
), recorded AS (
    INSERT INTO runs_checkpoint (run_id, sequence, {", ".join(CHECKPOINT_COLUMNS)})
    SELECT moved.id, moved.sequence - %(records)s::integer + r.position, {_of_row(CHECKPOINT_COLUMNS)}
    FROM moved, jsonb_to_recordset(%(checkpoint_rows)s::jsonb) AS r (position integer, {_typed(CHECKPOINT_COLUMNS)})
){{traced}}
SELECT count(*) FROM moved
"""  # noqa: S608 - made of our own column names

_TRACED = f""", traced AS (
    INSERT INTO runs_traceevent (run_id, number, checkpoint_sequence, {", ".join(EVENT_COLUMNS)})
    SELECT moved.id, moved.trace_count - %(events)s::integer + r.position, moved.sequence, {_of_row(EVENT_COLUMNS)}
    FROM moved, jsonb_to_recordset(%(event_rows)s::jsonb) AS r (position integer, {_typed(EVENT_COLUMNS)})
    WHERE %(cap)s::integer = 0 OR moved.trace_count - %(events)s::integer + r.position <= %(cap)s::integer
)"""  # noqa: S608 - made of our own column names

WRITE = _WRITE.format(traced=_TRACED)
# Most steps leave no trace event; then the server need not plan for any.
WRITE_UNTRACED = _WRITE.format(traced="")

# A claim need not survive a crash of the database server: the run is then due again, and the old owner's writes do not
# fit any more. So it does not wait for the disk.
_DUE = """
    status IN ('created', 'running') AND lease_owner IS NULL AND wake_at <= statement_timestamp()
    AND attempts BETWEEN %(least)s AND %(most)s
"""
_CLAIM = """
WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
UPDATE runs_run SET
    status = 'running', lease_owner = %(owner_id)s, fence = fence + 1, wake_at = NULL,
    started_at = COALESCE(started_at, %(at)s), updated_at = %(at)s
FROM relaxed
WHERE {which}
RETURNING id, fence, snapshot_id, target, input_text, cursor, sequence, attempts, deadline_at, total_tokens,
    token_budget, cost_nanos, cost_budget_nanos, within_id, branch_of_id, traceparent
"""
CLAIM = _CLAIM.format(which=f"id = %(run_id)s AND {_DUE}")


def _head(priority: Priority, status: str, order: str) -> str:
    return f"""(
    SELECT id FROM runs_run
    WHERE queue = %(queue)s AND priority = {priority.value} AND status = '{status}' AND lease_owner IS NULL
        AND wake_at <= statement_timestamp() AND attempts BETWEEN %(least)s AND %(most)s
    ORDER BY {order} LIMIT 1 FOR UPDATE SKIP LOCKED
)"""  # noqa: S608 - our own words


# The server looks for a later head only where the earlier ones found nothing, so that no other row is locked.
_HEADS = [
    _head(priority, status, order)
    for priority in Priority
    for status, order in (("running", "wake_at"), ("created", "turn, wake_at"))
]
CLAIM_NEXT = _CLAIM.format(which=f"id = COALESCE({', '.join(_HEADS)})")


def write(change: Change) -> bool:
    """Apply ``change``; return False, with nothing written, when its guard does not hold."""
    progress = change.progress
    checkpoints, events = list(checkpoint_columns(change)), list(event_columns(change))
    usage, fault = progress.usage, progress.fault
    parameters = {
        "run_id": change.run_id,
        "sources": [status.value for status in change.sources],
        "fence": change.fence,
        "owner_id": change.owner_id,
        "sequence": change.sequence,
        "keeps_lease": change.keeps_lease,
        "wake_at": change.wake_at,
        "at": change.at,
        "status": progress.status.value,
        "is_terminal": progress.status in TERMINAL,
        "cursor": _cursor(change, checkpoints),
        "output_text": shown_output(change),
        "error_type": fault and fault.type,
        "error_message": fault and fault.message,
        "input_tokens": usage and usage.input_tokens,
        "output_tokens": usage and usage.output_tokens,
        "total_tokens": usage and usage.total_tokens,
        "cost_nanos": usage and usage.cost_nanos,
        "records": len(checkpoints),
        "checkpoint_rows": _rows(checkpoints),
        "events": len(events),
        "event_rows": _rows(events),
        "cap": settings.TRACE_MAX_EVENTS,
    }
    (written,) = _one(WRITE if events else WRITE_UNTRACED, parameters) or (0,)
    return bool(written)


def claim(
    run_id: uuid.UUID | None, queue: str, owner_id: str, at: datetime, *, attempts: range
) -> tuple[Any, ...] | None:
    """Take a due and free run whose attempts lie in ``attempts``: this one, or with None the next of ``queue``.

    Return its id and LEASED_COLUMNS, or None when there is none.
    """
    parameters = {"owner_id": owner_id, "at": at, "least": attempts.start, "most": attempts.stop - 1}
    if run_id is None:
        row = _one(CLAIM_NEXT, parameters | {"queue": queue})
    else:
        row = _one(CLAIM, parameters | {"run_id": run_id})
    return row and (*row[:5], json.loads(row[5]), *row[6:])


def lock_snapshots() -> bool:
    """Let nobody store a spec before the caller's transaction ends; False when somebody is at it and does not finish.

    Whoever creates a run keeps the lock that goes with storing its spec until the run is there too. So what is unused
    under this lock stays unused, and those who create runs pay nothing for that.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
            cursor.execute("LOCK TABLE specs_specsnapshot IN SHARE ROW EXCLUSIVE MODE")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _cursor(change: Change, checkpoints: Sequence[Mapping[str, Any]]) -> str | None:
    """Return where the run is afterwards: what the last checkpoint says already, if there is one."""
    state = change.progress.state
    if state is None:
        return None
    return json.dumps(checkpoints[-1]["cursor"] if checkpoints else state.cursor())


def _one(statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _rows(rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps([{"position": position, **row} for position, row in enumerate(rows, start=1)], default=_moment)


def _moment(value: datetime) -> str:
    return value.isoformat()
