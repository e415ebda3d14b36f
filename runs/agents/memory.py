"""What an agent is told of what was said before."""

import json
from collections.abc import Sequence

from runs.agents.helpers import Helpers
from runs.agents.models.provider import Message
from specs.language.agent_plan import MemoryPlan, MemoryPolicy

SUMMARY = "Conversation summary:"
RETRIEVED = "Relevant retrieved memory:"


async def remembered(memory: MemoryPlan, messages: Sequence[Message], helpers: Helpers) -> list[Message]:
    """Return ``messages`` as ``memory`` lets the agent see them; the last one is what it is asked now.

    Raises:
        Exception: whatever the agent or function raises that summarises or retrieves.
    """
    match memory.policy:
        case MemoryPolicy.FULL:
            return list(messages)
        case MemoryPolicy.SLIDING_WINDOW:
            return _window(memory, messages)
        case MemoryPolicy.SUMMARY:
            return await _summarised(memory, messages, helpers)
        case MemoryPolicy.RETRIEVAL:
            return await _retrieved(memory, messages, helpers)


def _window(memory: MemoryPlan, messages: Sequence[Message]) -> list[Message]:
    """Return at most ``max_messages``: those of the system first, then the newest of the others."""
    first = [message for message in messages if memory.preserve_system_messages and message.role == "system"]
    others = [message for message in messages if message not in first]
    room = max(0, memory.max_messages - len(first))
    return [*first[: memory.max_messages], *(others[-room:] if room else ())]


async def _summarised(memory: MemoryPlan, messages: Sequence[Message], helpers: Helpers) -> list[Message]:
    """Return what is asked now, after a summary of all that was said before."""
    now = next((index for index in reversed(range(len(messages))) if messages[index].role == "user"), len(messages))
    kept = [message for message in messages[:now] if message.role == "system"]
    said = [message for message in messages[:now] if message.role != "system"]
    if not said or memory.ref is None:
        return list(messages)
    told = "\n".join(f"{message.role}: {message.content}" for message in said)
    summary = _text(await helpers.ask(memory.ref, told, key="memory"))
    return [*kept, Message(role="system", content=f"{SUMMARY}\n{summary}"), *messages[now:]]


async def _retrieved(memory: MemoryPlan, messages: Sequence[Message], helpers: Helpers) -> list[Message]:
    asked = next((message.content for message in reversed(messages) if message.role == "user"), "")
    if memory.ref is None:
        return list(messages)
    found = _text(await helpers.ask(memory.ref, asked, key="memory", top_k=memory.top_k))
    return [Message(role="system", content=f"{RETRIEVED}\n{found}"), *messages] if found else list(messages)


def _text(result: object) -> str:
    """Return what was summarised or retrieved as text: a list of texts as lines, other values as JSON."""
    if isinstance(result, str):
        return result
    if isinstance(result, list | tuple) and all(isinstance(each, str) for each in result):
        return "\n".join(result)
    return json.dumps(result, ensure_ascii=False, default=str)
