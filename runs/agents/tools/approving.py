"""Calls of tools that a person is asked about first."""

import json
from collections.abc import Mapping
from typing import Any

from kneo_project.strict_json import NotJson, read_json
from runs.agents.people import EDITED, PersonAnswer, Question
from specs.language.agent_plan import AgentPlan, Approval, ToolPlan


def is_asked_for(agent: AgentPlan, tool: ToolPlan) -> bool:
    """Return whether a person is asked before ``agent`` calls ``tool``."""
    return tool.approval is Approval.ALWAYS or (tool.approval is Approval.PRIVILEGED and agent.is_privileged)


def question(agent: AgentPlan, tool: ToolPlan, arguments: Mapping[str, Any], *, key: str) -> Question:
    """Return what a person is asked: it shows exactly what would be called."""
    return Question(
        key=key,
        title=f"Call the tool {tool.name}?",
        prompt=f"The agent {agent.name} wants to call the tool {tool.name}: {tool.description}",
        text=json.dumps(dict(arguments), ensure_ascii=False, default=str),
        context={"tool": tool.name, "agent": agent.name, "arguments": dict(arguments), "editable": tool.edit_arguments},
        approver=tool.approver,
    )


def edited(tool: ToolPlan, answer: PersonAnswer) -> dict[str, Any] | None:
    """Return the arguments that the person wants instead; None when those of the model stay."""
    if not tool.edit_arguments or answer.decision != EDITED:
        return None
    return arguments_in(answer.content or "")


def arguments_in(content: str) -> dict[str, Any] | None:
    """Return the arguments that ``content`` is the JSON of; None when it is none."""
    try:
        found = read_json(content)
    except NotJson:
        return None
    return found if isinstance(found, dict) else None


def refusal(tool: ToolPlan, answer: PersonAnswer) -> str:
    """Return what the model hears of a call that a person did not want."""
    why = f": {answer.content}" if answer.content else ""
    return f"A person refused the call of the tool {tool.name!r}{why}."
