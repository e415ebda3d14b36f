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


class HumanTaskClaimed(KneoError):
    """Somebody else has claimed this human task."""

    code = "human_task_claimed"
    status = 409


class HumanTaskNotClaimed(KneoError):
    """Nobody has claimed this human task, so that there is nothing to release."""

    code = "human_task_not_claimed"
    status = 409


class HumanTaskReassigned(KneoError):
    """This human task is assigned to somebody else by now; fetch it again."""

    code = "human_task_reassigned"
    status = 409


class AlreadyApproved(KneoError):
    """You have approved this human task already; somebody else has to approve it too, or you reject it."""

    code = "already_approved"
    status = 409


class RequesterExcluded(KneoError):
    """You started this run, so that somebody else has to approve it; you can reject it."""

    code = "requester_excluded"
    status = 403
