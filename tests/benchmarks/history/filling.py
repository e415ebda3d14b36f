"""Fills a database with runs of the last two months, by a few statements that insert them all.

What the API is asked for must be there alike at every size, so that only the size differs: the first runs hold as many
open human tasks, and as many occurrences of ``RARE_WORD``, as a page shows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from tests.benchmarks.history.texts import texts

DAYS = 60
FIRST_RUNS = 1_000
RARE_WORD = "quetzalcoatl"
ABSENT_WORD = "xylophonist"
TEXTS = 400

# An id as runs have them, of the moment ``at``.
_ID = """(
    lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
    || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15)
)::uuid"""
# One row for each run to come; what follows it is made from here. Numbers continue those of an earlier call.
_PLANNED = f"""
CREATE TEMPORARY TABLE planned ON COMMIT DROP AS
SELECT number, {_ID} AS id, gen_random_uuid() AS task_id, status, failing,
    workflow.name AS workflow, workflow.digest AS digest,
    input.text || ' ' || number AS input_text,
    output.text || ' ' || number
        || CASE WHEN number <= %(first)s AND number %% 125 = 1 THEN ' {RARE_WORD}' ELSE '' END AS output_text,
    at, at + interval '1 second' * (1 + number %% 30) AS done_at
FROM (
    SELECT number, CASE
            WHEN number %% CASE WHEN number <= %(first)s THEN 50 ELSE 550 END = 7 THEN 'blocked'
            WHEN number %% 100 BETWEEN 11 AND 15 THEN 'failed'
            WHEN number %% 100 BETWEEN 21 AND 23 THEN 'cancelled'
            WHEN number %% 100 = 31 THEN 'timed_out'
            ELSE 'completed'
        END AS status,
        %(newest)s::timestamptz
            - interval '1 day' * %(days)s * (%(until)s - number + 0.5) / (%(until)s - %(since)s) AS at
    FROM generate_series(%(since)s::integer + 1, %(until)s::integer) AS number
) AS numbered
CROSS JOIN LATERAL (SELECT status IN ('failed', 'cancelled', 'timed_out') AS failing) AS told
JOIN bench_workflow AS workflow ON workflow.position = number * 31 %% (SELECT count(*) FROM bench_workflow)
JOIN bench_text AS input ON input.position = number * 7919 %% {TEXTS}
JOIN bench_text AS output ON output.position = number * 10007 %% {TEXTS}
ORDER BY number
"""

_RUNS = f"""
INSERT INTO runs_run (
    id, status, target, snapshot_id, overlay_paths, agent_name, workflow_name, session_id, ordered_by, caller_metadata,
    tags, input_text, output_text, error_type, error_message, cursor, sequence, trace_count, input_tokens,
    output_tokens, total_tokens, fence, attempts, created_at, updated_at, started_at, completed_at
)
SELECT id, status, 'workflow', digest, '[]', 'benchmark', workflow,
    CASE WHEN number % 5 < 3 THEN 'session-' || number % 5000 END, 'benchmark',
    jsonb_build_object('ticket', number, 'team', 'team-' || number % 12),
    '[]', input_text, CASE WHEN status = 'completed' THEN output_text END,
    CASE WHEN status = 'failed' THEN 'ModelTimeout' WHEN failing THEN status END,
    CASE WHEN failing THEN 'Ticket ' || number || ' was given up: ' || left(output_text, 120)
        || CASE WHEN number IN (211, 711) THEN ' {RARE_WORD}' ELSE '' END END,
    jsonb_build_object('variables', jsonb_build_object('ticket', number), 'lines', jsonb_build_array(
        jsonb_build_object('text_at', 3, 'frames', jsonb_build_array(jsonb_build_object('at', 2, 'started', true))))),
    3, 5, 900 + number % 400, 200 + number % 90, 1100 + number % 400 + number % 90, 2, 0,
    at, done_at, at + interval '20 milliseconds', CASE WHEN status <> 'blocked' THEN done_at END
FROM planned ORDER BY number
"""

_CHECKPOINTS = """
INSERT INTO runs_checkpoint (
    run_id, sequence, type, status, step_id, path, iteration, attempt, input_text, output_text, error_type,
    error_message, details, cursor, started_at, created_at
)
SELECT id, sequence, kind,
    CASE WHEN sequence < 3 THEN 'running' ELSE status END,
    step, COALESCE(step, ''), 1, 1,
    CASE WHEN sequence < 3 THEN input_text END,
    CASE WHEN sequence = 1 THEN NULL WHEN sequence = 2 OR status = 'completed' THEN output_text END,
    CASE WHEN sequence = 3 AND failing THEN status END, CASE WHEN sequence = 3 AND failing THEN 'It was given up.' END,
    CASE WHEN step IS NULL THEN '{}'::jsonb ELSE '{"workflow_type": "sequential"}'::jsonb END,
    '{"lines": [{"text_at": 3, "frames": [{"at": 2}]}]}'::jsonb, at, at + (done_at - at) * sequence / 3
FROM planned, generate_series(1, 3) AS sequence, LATERAL (
    SELECT CASE sequence WHEN 1 THEN 'run_started' WHEN 2 THEN 'step_completed' ELSE
            CASE status WHEN 'blocked' THEN 'human_pause' ELSE 'run_' || status END END AS kind,
        CASE WHEN sequence = 2 THEN 'step-1' WHEN sequence = 3 AND status = 'blocked' THEN 'step-2' END AS step
) AS told
ORDER BY number, sequence
"""

_EVENTS = """
INSERT INTO runs_traceevent (
    run_id, number, type, at, checkpoint_sequence, step_id, agent_name, input_preview, output_preview, model, metadata
)
SELECT planned.id, told.number,
    (ARRAY['workflow_started', 'run_started', 'run_completed', 'tool_started', 'workflow_completed'])[told.number],
    at + (done_at - at) * told.number / 5, 1 + told.number / 2, CASE WHEN told.number BETWEEN 2 AND 4 THEN 'step-1' END,
    'benchmark', left(input_text, 500), CASE WHEN told.number > 2 THEN left(output_text, 500) END, '{}',
    jsonb_build_object('workflow_name', workflow)
FROM planned, generate_series(1, 5) AS told (number)
ORDER BY planned.number, told.number
"""

_TASKS = """
INSERT INTO humantasks_humantask (
    id, run_id, status, path, iteration, step_id, step_index, workflow_name, shape, request_id, request_type, title,
    prompt, context, input_text, on_timeout, on_reject, created_at, response_metadata, awaits_run
)
SELECT task_id, id, 'open', 'step-2', 1, 'step-2', 1, workflow, 'sequential', gen_random_uuid(), 'approval',
    'Ticket ' || number, left(output_text, 200), '{}', output_text, 'fail', 'fail', done_at, '{}', false
FROM planned WHERE status = 'blocked' ORDER BY number
"""

_AUDITED = """
INSERT INTO audit_auditevent (public_id, event_type, run_id, actor, metadata, created_at)
SELECT gen_random_uuid(), kind, id, 'benchmark', '{"async_mode": true, "target": "workflow"}',
    CASE kind WHEN 'run.created' THEN at ELSE done_at END
FROM planned, LATERAL (VALUES ('run.created'), ('run.cancelled')) AS told (kind)
WHERE kind = 'run.created' OR status = 'cancelled'
ORDER BY number
"""


def prepare(connection: psycopg.Connection, workflows: Sequence[tuple[str, str]]) -> None:
    """Keep what runs are made of: texts, and ``workflows`` as their names and the digests of their stored specs."""
    connection.execute("CREATE TABLE bench_workflow (position integer, name text, digest text)")
    connection.execute("CREATE TABLE bench_text (position integer, text text)")
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bench_workflow VALUES (%s, %s, %s)",
            [(position, *workflow) for position, workflow in enumerate(workflows)],
        )
        cursor.executemany("INSERT INTO bench_text VALUES (%s, %s)", list(enumerate(texts(TEXTS))))
    connection.execute("ANALYZE bench_workflow, bench_text")


def fill(connection: psycopg.Connection, *, since: int, until: int, newest: datetime | None = None) -> None:
    """Have ``until`` runs where there are ``since``, the last of them created at ``newest``, or else just now.

    The tables are left as autovacuum leaves those of a history: it must not start in the middle of a measurement.
    """
    numbers: dict[str, object] = {"since": since, "until": until, "first": FIRST_RUNS, "days": DAYS}
    numbers["newest"] = newest or datetime.now(UTC)
    with connection.transaction():
        connection.execute(_PLANNED.encode(), numbers)
        for statement in (_RUNS, _CHECKPOINTS, _EVENTS, _TASKS, _AUDITED):
            connection.execute(statement.encode())
    connection.execute("VACUUM (ANALYZE)")
