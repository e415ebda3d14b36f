"""Why an agent or a function failed. The name of the class is the public ``error.type``, so it never changes."""

from kneo_project.redaction import redact_text

MAX_MESSAGE_CHARS = 500


class AgentError(RuntimeError):
    """A step failed for a reason its author can act on; ``retriable`` says whether a further attempt may help.

    ``is_final`` ends the run whatever the step's ``on_error`` says.
    """

    retriable: bool = False
    is_final: bool = False

    def __init__(self, message: str) -> None:
        message = redact_text(message)  # before it is cut: half a secret would not be known as one
        super().__init__(message if len(message) <= MAX_MESSAGE_CHARS else f"{message[: MAX_MESSAGE_CHARS - 1]}…")


class ProviderError(AgentError):
    """The model endpoint refused, could not be reached, or gave an answer nobody can read.

    ``status`` is the HTTP status it answered, if it did; ``retry_after_seconds`` is how long it asked to be left alone.
    """

    def __init__(
        self, message: str, *, status: int | None, retriable: bool, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retriable = retriable
        self.retry_after_seconds = retry_after_seconds


class ProviderTimeout(ProviderError):
    """The model endpoint did not answer in time."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=None, retriable=True)


class ProviderCircuitOpen(ProviderError):
    """The model endpoint failed too often in a row and is not asked for a while."""

    def __init__(self, shown: str, *, failures: int, retry_after_seconds: float) -> None:
        message = f"The model endpoint {shown} has failed {failures} times in a row and is left alone for a while."
        super().__init__(message, status=None, retriable=True, retry_after_seconds=retry_after_seconds)


class MissingSecret(AgentError):
    """The key of a model endpoint is not set."""


class SecretNotAllowed(AgentError):
    """A spec names an environment variable that it may not read."""


class HostNotAllowed(AgentError):
    """A spec names a model endpoint on a host that the operator does not allow."""


class UnsupportedProvider(AgentError):
    """Nothing here can serve the runtime or the provider that the spec asks for."""


class TokenBudgetExceeded(AgentError):
    """An agent, or (``is_final``) its run, used more tokens than it may."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class CostBudgetExceeded(AgentError):
    """A run has spent the money that it may, or would spend it on a model whose price nobody knows."""

    is_final = True


class MaxIterationsReached(AgentError):
    """An agent used all its turns without coming to an answer."""


class Violation(AgentError):
    """A rule of the spec was broken. That is not an error to be worked around, so it ends the run."""

    is_final = True


class GuardrailViolation(Violation):
    """A guardrail stopped what an agent was asked or answered, or what a step gave."""


class ToolResultGuardrailViolation(Violation):
    """A guardrail stopped what a tool gave."""


class ToolMiddlewareViolation(Violation):
    """An agent wanted to call a tool in a way that it may not."""


class ToolFailed(AgentError):
    """A tool of an agent failed that stops at the first failure of a tool."""

    retriable = True


class ToolCallInDoubt(AgentError):
    """Nobody knows whether a tool was called that must not be called twice: a person has to find out."""

    is_final = True


class McpNotAvailable(AgentError):
    """A server of tools cannot be asked."""

    def __init__(self, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.retriable = retriable


class McpTimeout(AgentError):
    """A server of tools did not answer in time."""

    retriable = True


class McpToolFailed(AgentError):
    """A tool of a server says that it failed."""


class HttpToolFailed(AgentError):
    """The service behind a tool could not be reached, or refused."""


class WorkflowFailed(AgentError):
    """A workflow that stands behind an agent failed."""

    retriable = True


class AgentsTooDeep(AgentError):
    """Agents asked agents that asked agents, and so on, too deep."""


class FunctionNotAllowed(AgentError):
    """A spec names a function outside the modules that the operator allows."""


class FunctionNotFound(AgentError):
    """A spec names a function that does not exist."""


class FunctionInputInvalid(AgentError):
    """A function was given what its schema does not allow; that does not change by trying again."""


class FunctionOutputInvalid(AgentError):
    """A function gave what its schema does not allow."""

    retriable = True


class ProcessExitAttempted(AgentError):
    """A function tried to end the process that runs it."""

    retriable = True


class StepInterrupted(AgentError):
    """Somebody asked the step to stop before it was done; the run's own state says what follows."""
