"""What a model provider is: messages in, a completion out. Every provider is a module beside this one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from runs.agents.models.usage import Usage

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition:
    """A tool offered to a model; ``parameters`` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that a model wants called; ``problem`` tells why its arguments are none, if they are not."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation. ``name`` and ``tool_call_id`` belong to a tool's result."""

    role: Role
    content: str
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model answered; ``usage`` is None when it did not say. ``is_cut_off`` tells that it had more to say."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None = None
    is_cut_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelParams:
    """How a model is asked. None leaves the choice to the provider; ``extra`` are further fields of the request.

    ``streams`` lets the answer arrive in pieces.
    """

    temperature: float | None = None
    max_tokens: int | None = None
    streams: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """Who serves a model."""

    @property
    def name(self) -> str:
        """The provider's public name, such as ``openai``."""

    @property
    def model(self) -> str:
        """The name of the model it serves."""

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolDefinition], params: ModelParams
    ) -> Completion:
        """Return the model's answer to ``messages``.

        Raises:
            ProviderError: the model could not be asked, or gave no usable answer.
        """


class WrappedProvider:
    """Goes by the name and the model of ``provider``. Subclasses say what becomes of the calls."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @property
    def name(self) -> str:
        """The provider's public name."""
        return self._provider.name

    @property
    def model(self) -> str:
        """The name of the model it serves."""
        return self._provider.model
