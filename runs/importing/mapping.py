"""What the records of the published kneo-serv are here: from its documents to the columns of our rows. Pure.

Nothing that arrives is ever due: a run that had not ended there has failed here.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kneo_project.redaction import preview, redact, redact_text
from runs.engine.lifecycle import TERMINAL, Status
from runs.engine.outcomes import Fault
from runs.engine.progress import RecordType
from runs.importing.specs import Outline, frozen_content, outline_of
from runs.importing.values import (
    Unreadable,
    id_of,
    known_id_of,
    list_of,
    mapping_of,
    moment_of,
    one_of,
    text_of,
    whole_of,
)
from specs.language.plan import OnReject, OnTimeout, RequestType, Shape

IMPORTED_UNFINISHED = "imported_unfinished"
UNFINISHED = "The run had not ended when it was imported from the published kneo-serv. Start it again, or fork it."
WAITED = "The run waited for a person when it was imported from the published kneo-serv. Start it again, or fork it."
# The output that a run which waits for a person has there.
NOTICE = "Human intervention required."
MOST_SECONDS = 2**31 - 1
SHORT, LONG = 255, 4096

_UNFINISHED = frozenset({"created", "running", "paused", "blocked"})
_ENDED = {status.value: status for status in TERMINAL}
_STATUSES = {**_ENDED, "created": Status.RUNNING, "running": Status.RUNNING, "blocked": Status.BLOCKED}
_TYPES = {kind.value: kind for kind in RecordType} | {"node_completed": RecordType.STEP_COMPLETED}
_STEPS = (RecordType.STEP_COMPLETED, RecordType.STEP_FAILED)
# What has a column, or is told by one; the rest of a checkpoint's metadata are details.
_TOLD = frozenset({"input_text", "output_text", "error", "iteration", "deadline_at", "reason", "workflow_type"})
_AGENT_FACTS = ("agent_name", "runtime_mode", "runtime_name", "iterations")
_MODEL_FACTS = ("runtime_mode", "model_provider", "model_name", "tool_name", "guardrail_id", "memory_policy")
_UNDERSCORED = {"group_chat": Shape.GROUP_CHAT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A run as it arrives: its ``columns`` but for the snapshot, the ``content`` of that, and what both say.

    ``is_unfinished``: it had not ended there, so that it has failed here. ``question`` has the columns of the human
    task that it waited for. ``agent_facts`` is what is told of a run of an agent alone.
    """

    id: uuid.UUID
    columns: Mapping[str, Any]
    content: Mapping[str, Any]
    outline: Outline
    shape: Shape | None
    is_unfinished: bool = False
    question: Mapping[str, Any] | None = None
    agent_facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workflow_name(self) -> str | None:
        """The name of the workflow; None of an agent alone."""
        name: str | None = self.columns["workflow_name"]
        return name


def arrival(record: Mapping[str, Any], at: datetime) -> Arrival:
    """Return the run that ``record`` is, as it arrives ``at`` a moment.

    Raises:
        Unreadable: it has no id, or an unknown status.
    """
    run_id, status = known_id_of(record.get("id")), record.get("status")
    if status not in _ENDED and status not in _UNFINISHED:
        raise Unreadable("its status is unknown")
    asked = mapping_of(record.get("metadata"))
    content = frozen_content(asked)
    outline = outline_of(content)
    shape = _shape(asked.get("workflow_type")) or outline.shape
    fault = None if status in _ENDED else _unfinished(status)
    columns = _names(record, asked, outline) | _times(record, at, is_ended=fault is None)
    columns |= _outcome(record, fault) | _usage(asked)
    return Arrival(
        id=run_id,
        columns=columns,
        content=content,
        outline=outline,
        shape=shape,
        is_unfinished=fault is not None,
        question=_question(record, columns, shape) if status == "blocked" else None,
        agent_facts={name: asked[name] for name in _AGENT_FACTS if name in asked},
    )


def checkpoint_columns(record: Mapping[str, Any], of: Arrival) -> dict[str, Any] | None:
    """Return the columns of a checkpoint but for its sequence; None when it is of a kind that there is not here."""
    if (kind := _TYPES.get(str(record.get("type")))) is None:
        return None
    state, metadata = mapping_of(record.get("state")), mapping_of(record.get("metadata"))
    step_id = text_of(record.get("step_id"), SHORT) or text_of(record.get("node_id"), SHORT)
    fault = _checkpoint_fault(kind, state, metadata)
    return {
        "type": kind.value,
        "status": _STATUSES.get(str(state.get("status")), Status.RUNNING).value,
        "step_id": step_id,
        "path": _path(step_id, of.outline),
        "iteration": whole_of(record.get("iteration"), most=MOST_SECONDS) or 1,
        "input_text": text_of(metadata.get("input_text")),
        "output_text": text_of(metadata.get("output_text")),
        "error_type": fault.type if fault else None,
        "error_message": fault.message if fault else None,
        "details": _details(kind, metadata, of),
        "created_at": moment_of(record.get("created_at")) or of.columns["created_at"],
    }


def end_columns(of: Arrival) -> dict[str, Any]:
    """Return the columns of the checkpoint that a run ends with, but for its sequence: there, not every end has one."""
    return {
        "type": f"run_{of.columns['status']}",
        "status": of.columns["status"],
        "output_text": of.columns["output_text"] if of.columns["status"] == Status.COMPLETED else None,
        "error_type": of.columns["error_type"],
        "error_message": of.columns["error_message"],
        "created_at": of.columns["completed_at"],
    }


def event_columns(record: Mapping[str, Any], of: Arrival) -> dict[str, Any]:
    """Return the columns of a trace event but for its number and its checkpoint."""
    metadata, name = mapping_of(record.get("metadata")), text_of(record.get("workflow_name"))
    inside = {"workflow_name": name} if name and name != of.workflow_name else {}
    return {
        "type": text_of(record.get("type"), 40) or "unknown",
        "at": moment_of(record.get("timestamp")) or of.columns["created_at"],
        "step_id": text_of(record.get("step_id"), SHORT),
        "agent_name": text_of(record.get("agent_name"), SHORT),
        "input_preview": _preview(record.get("input_preview")),
        "output_preview": _preview(record.get("output_preview")),
        "error": _preview(record.get("error")),
        "model": {fact: record[fact] for fact in _MODEL_FACTS if record.get(fact)},
        "metadata": redact({**metadata, **inside}),
    }


def audit_columns(record: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return the columns of an audit event.

    Raises:
        Unreadable: it has no id.
    """
    return {
        "public_id": known_id_of(record.get("id")),
        "event_type": text_of(record.get("event_type"), 64) or "unknown",
        "run_id": id_of(record.get("run_id")),
        "continuation_id": id_of(record.get("continuation_id")),
        "actor": text_of(record.get("actor")),
        "metadata": redact(dict(mapping_of(record.get("metadata")))),
        "created_at": moment_of(record.get("created_at")) or at,
    }


def _names(record: Mapping[str, Any], asked: Mapping[str, Any], outline: Outline) -> dict[str, Any]:
    is_agent = asked.get("target") == "agent"
    workflow_name = None if is_agent else record.get("workflow_name") or outline.workflow_name
    return {
        "target": "agent" if is_agent else "workflow",
        "agent_name": text_of(record.get("agent_name"), SHORT) or outline.agent_name[:SHORT],
        "workflow_name": text_of(workflow_name, SHORT),
        "spec_path": text_of(asked.get("spec_path"), LONG),
        "overlay_paths": [path for path in list_of(asked.get("overlays")) if isinstance(path, str)],
        "environment": text_of(asked.get("environment"), LONG),
        "session_id": text_of(record.get("session_id"), LONG),
        "caller_metadata": dict(mapping_of(asked.get("caller_metadata"))),
        "tags": [tag[:SHORT] for tag in list_of(record.get("tags")) if isinstance(tag, str)],
        "timeout_seconds": whole_of(asked.get("timeout_seconds"), most=MOST_SECONDS),
    }


def _times(record: Mapping[str, Any], at: datetime, *, is_ended: bool) -> dict[str, Any]:
    created_at = moment_of(record.get("created_at")) or at
    updated_at = moment_of(record.get("updated_at")) or created_at
    return {
        "created_at": created_at,
        "started_at": moment_of(record.get("started_at")),
        "updated_at": updated_at if is_ended else at,
        "completed_at": (moment_of(record.get("completed_at")) or updated_at) if is_ended else at,
        "deadline_at": moment_of(record.get("deadline_at")),
        "imported_at": at,
    }


def _outcome(record: Mapping[str, Any], fault: Fault | None) -> dict[str, Any]:
    """Return what came of the run. An error that a completed run still has was tolerated: it has none here."""
    status = Status.FAILED if fault else _ENDED[record["status"]]
    output, error = text_of(record.get("output_text")), mapping_of(record.get("error"))
    known = _fault(error.get("type"), text_of(error.get("message"))) if error else None
    ended_with = fault or (None if status is Status.COMPLETED else known)
    return {
        "status": status.value,
        "input_text": text_of(record.get("input_text")) or "",
        "output_text": None if output in (None, NOTICE) else redact_text(output),
        "error_type": ended_with.type if ended_with else None,
        "error_message": ended_with.message if ended_with else None,
    }


def _usage(asked: Mapping[str, Any]) -> dict[str, Any]:
    usage = mapping_of(asked.get("usage"))
    return {name: whole_of(usage.get(name)) for name in ("input_tokens", "output_tokens", "total_tokens")}


def _question(record: Mapping[str, Any], run: Mapping[str, Any], shape: Shape | None) -> dict[str, Any] | None:
    """Return the columns of the human task that the run waited for: closed, as nobody can go on with the run."""
    asked, task_id = mapping_of(record.get("pending_human_request")), id_of(record.get("continuation_id"))
    if not asked or task_id is None:
        return None
    context, options = dict(mapping_of(asked.get("context"))), asked.get("options")
    step_id = mapping_of(record.get("metadata")).get("pending_step_id") or asked.get("requested_by")
    title = text_of(asked.get("title")) or ""
    request_id = id_of(asked.get("id"))
    return {
        "id": task_id,
        **({"request_id": request_id} if request_id else {}),
        "path": text_of(step_id, SHORT) or "",
        "step_id": text_of(step_id, SHORT) or "",
        "step_index": 0,
        "workflow_name": run["workflow_name"] or "",
        "shape": (shape or Shape.SEQUENTIAL).value,
        "request_type": (one_of(RequestType, asked.get("type")) or RequestType.APPROVAL).value,
        "title": title,
        "prompt": text_of(asked.get("prompt")) or title,
        "input_text": text_of(context.pop("input_text", None)) or "",
        "context": context,
        "options": options if isinstance(options, list) else None,
        "default_option": text_of(asked.get("default_option")),
        "assignee": text_of(asked.get("assignee")),
        "timeout_seconds": whole_of(asked.get("timeout_seconds"), most=MOST_SECONDS),
        "on_timeout": (one_of(OnTimeout, asked.get("on_timeout")) or OnTimeout.FAIL).value,
        "on_reject": OnReject.CONTINUE.value,
        "created_at": moment_of(record.get("updated_at")) or run["created_at"],
    }


def _checkpoint_fault(kind: RecordType, state: Mapping[str, Any], metadata: Mapping[str, Any]) -> Fault | None:
    known = mapping_of(state.get("error"))
    if kind in _STEPS:
        message = text_of(metadata.get("error"))
        return None if message is None else _fault(known.get("type") or "step_failed", message)
    told = mapping_of(metadata.get("error")) or known
    message = text_of(told.get("message")) or text_of(metadata.get("reason"))
    if kind in (RecordType.RUN_FAILED, RecordType.RUN_CANCELLED, RecordType.RUN_TIMED_OUT):
        return _fault(told.get("type"), message)
    return None


def _details(kind: RecordType, metadata: Mapping[str, Any], of: Arrival) -> dict[str, Any]:
    details = {name: value for name, value in metadata.items() if name not in _TOLD}
    if kind in _STEPS:
        # There, every shape but a graph calls itself sequential.
        told = _shape(metadata.get("workflow_type"))
        is_vague = told is Shape.SEQUENTIAL and of.shape not in (None, Shape.GRAPH)
        details["workflow_type"] = of.shape if is_vague or told is None else told
    if kind is RecordType.RUN_COMPLETED and of.workflow_name is None:
        details |= of.agent_facts
    return details


def _path(step_id: str | None, outline: Outline) -> str:
    """Return where the step is. Of a step inside another, only its own name is known there."""
    if step_id is None:
        return ""
    return step_id if not outline.own_steps or step_id in outline.own_steps else f"inside/{step_id}"


def _fault(kind: object, message: str | None) -> Fault:
    return Fault(type=text_of(kind, SHORT) or "error", message=message or "")


def _unfinished(status: object) -> Fault:
    return Fault(type=IMPORTED_UNFINISHED, message=WAITED if status == "blocked" else UNFINISHED)


def _shape(value: object) -> Shape | None:
    return _UNDERSCORED.get(str(value)) or one_of(Shape, value)


def _preview(value: object) -> str | None:
    return None if (text := text_of(value)) is None else preview(text)
