"""What stands behind a tool: a Python function, another agent, a server that speaks MCP, or a service by HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runs.agents.context import StepContext
from runs.agents.functions import call_beside
from runs.agents.helpers import Helpers
from runs.agents.settings import AgentSettings
from runs.agents.tools.http_calls import HttpCall
from runs.agents.tools.mcp_sessions import McpSessions
from specs.language.agent_plan import AgentPlan, ToolPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """Does what a tool of ``agent`` does. Functions get a context with a key of their call."""

    agent: AgentPlan
    context: StepContext
    settings: AgentSettings
    sessions: McpSessions

    async def call(self, tool: ToolPlan, arguments: Mapping[str, Any], key: str, helpers: Helpers) -> str:
        """Return the result of ``tool`` as text; ``key`` names the call within the step.

        Raises:
            Exception: whatever the function or the agent raises.
        """
        if tool.agent is not None:
            return await helpers.ask_agent(tool.agent, arguments["input"], key="agent")
        called = f"{self.context.idempotency_key}/{key}"
        if tool.http is not None:
            return await HttpCall(tool=tool.http, agent=self.agent, settings=self.settings, key=called).answer(
                arguments
            )
        if tool.mcp_server is not None:
            remote, may_repeat = tool.remote_name or tool.name, not tool.retry_unsafe
            return await self.sessions.call(tool.mcp_server, remote, arguments, key=called, may_repeat=may_repeat)
        if tool.implementation is None:
            raise AssertionError("a tool has something behind it")
        context = replace(self.context, call=key)
        result = await call_beside(
            tool.implementation, dict(arguments), context=context, allowed_modules=self.settings.function_modules
        )
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
