"""What can be wrong with an answer."""

from kneo_project.errors import KneoError, NotFound


class HumanTaskNotFound(NotFound):
    """There is no open human task of that id; it may have been answered, cancelled or expired."""


class HumanTaskExpired(KneoError):
    """The deadline of this human task has passed."""

    code = "human_task_expired"
    status = 409


class RequestMismatch(KneoError):
    """The answer names another request than the one that is pending; fetch the task again and answer that."""

    code = "human_request_mismatch"
    status = 409


class InvalidDecision(KneoError):
    """The decision does not fit what was asked."""

    code = "invalid_decision"
    status = 422
