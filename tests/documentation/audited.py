"""Audit events: found in the code, explained here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("kneo_project", "runs", "specs", "humantasks")
ROOT = Path(__file__).parents[2]
_RECORDERS = {"record", "record_sparingly", "note", "_start"}
_PLACES = {"event_type"}
_NAME = re.compile(r"[a-z]+\.[a-z_]+")

MEANINGS = {
    "admin.login": "Somebody logged in to the admin.",
    "admin.login_failed": "Somebody tried to, in vain.",
    "apikey.created": "An API key was made.",
    "apikey.revoked": "An API key was revoked.",
    "auth.failed": "A credential was presented and not accepted.",
    "auth.forbidden": "A principal lacked the scope that it needed.",
    "credential.inventory_accessed": "Somebody listed which credentials specs name.",
    "human.approval": "One of several people who have to agree did.",
    "human.assigned": "A question was assigned to somebody, to a group, or to nobody.",
    "human.claimed": "Somebody took a question, so that nobody else answers it.",
    "human.continued": "Nobody answered in time, and the run went on without an answer.",
    "human.decision": "A person answered.",
    "human.escalated": "Nobody answered in time, and the question was escalated.",
    "human.expired": "Nobody answered in time, and the run ended.",
    "human.released": "A claimed question was given back.",
    "policy.changed": "The policy of an environment was changed.",
    "retention.pruned": "Records past their window were deleted: how many of which kind.",
    "run.cancelled": "A run was cancelled.",
    "run.continued": "A failed run was continued.",
    "run.created": "A run was created.",
    "run.dead_lettered": "A run was given up, because its executions kept dying.",
    "run.downloaded": "Somebody downloaded all that is recorded of a run.",
    "run.forked": "A run was started from a checkpoint of another.",
    "run.signalled": "A signal was sent to a run.",
    "run.timed_out": "A run passed its deadline.",
    "runs.bulk_cancelled": "An order for many runs was called off.",
    "runs.imported": "Records of a published kneo-serv were taken over: how many of which kind.",
    "runs.bulk_completed": "An order for many runs is done.",
    "runs.bulk_started": "Something is to be done to many runs.",
    "schedule.created": "A schedule was made.",
    "schedule.deleted": "A schedule was deleted.",
    "schedule.paused": "A schedule was paused.",
    "schedule.resumed": "A schedule was resumed.",
    "schedule.triggered": "A schedule was triggered by hand.",
    "schedule.updated": "A schedule was changed.",
    "spec.compiled": "A spec was compiled for a caller.",
    "spec.explained": "A spec was explained.",
    "spec.graph": "A spec was drawn.",
    "spec.policy_reported": "What a spec demands of a policy was reported.",
    "spec.run": "A run was created by `POST /v1/specs/run`.",
    "spec.validated": "A spec was validated.",
    "tool.denied": "An agent asked for a tool call that was not allowed.",
    "user.created": "An account for the admin was made.",
    "webhook.created": "A subscription was made.",
    "webhook.dead": "A delivery was given up.",
    "webhook.deleted": "A subscription was deleted.",
    "webhook.disabled": "A subscription was disabled, because its receiver is gone.",
    "webhook.redelivered": "A delivery was sent again.",
    "webhook.secret_rotated": "The secret of a subscription was changed.",
    "webhook.tested": "A subscription was tried out.",
    "webhook.updated": "A subscription was changed.",
}


def recorded() -> dict[str, str]:
    """Return every event that the code records, with the module that does."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in _events(ast.parse(path.read_text())):
                found.setdefault(name, str(path.relative_to(ROOT)))
    return dict(sorted(found.items()))


def _events(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given = [keyword.value for keyword in node.keywords if keyword.arg in _PLACES]
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given += node.args if called in _RECORDERS else []
            yield from (text for each in given if (text := _name(each)))


def _name(node: ast.expr) -> str | None:
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) and _NAME.fullmatch(text) else None
