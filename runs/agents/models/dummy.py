"""The offline model: deterministic, needs no network, and is relied on by demos and tests byte for byte."""

from collections.abc import Sequence

from runs.agents.models.provider import Completion, Message, ModelParams, ToolCall, ToolDefinition


class DummyProvider:
    """Answers from the conversation alone; it reports no usage, so that no token budget ever trips on it."""

    name = "dummy"
    model = "dummy"

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> Completion:
        """Return the answer; ``params`` make no difference."""
        asked = next((message.content for message in reversed(messages) if message.role == "user"), "")
        results = [message.content for message in messages if message.role == "tool"]
        if tools and not results and "search" in asked.lower():
            call = ToolCall(id="web_search_1", name="web_search", arguments={"query": asked})
            return Completion(text="I need to search.", tool_calls=(call,))
        if results:
            return Completion(text="Final answer based on tool results: " + "\n".join(results))
        return Completion(text=f"Final answer: {asked}")
