"""What changed in a run between two of its checkpoints."""

from typing import Any

from kneo_project.errors import InvalidRequest
from kneo_project.redaction import redact
from runs.inspection.checkpoint_views import CheckpointView
from runs.inspection.differences import difference
from runs.inspection.recovery import two_of
from runs.models import Run


def pair_of(run: Run, first: int | None, second: int | None) -> tuple[CheckpointView, CheckpointView]:
    """Return the two checkpoints that are to be compared; by default the last one and the one before.

    Raises:
        InvalidRequest: one does not exist, or they are the same.
    """
    before, after = first or run.sequence - 1, second or run.sequence
    if before == after:
        raise InvalidRequest("Two different checkpoints can be compared; from_sequence and to_sequence name the same.")
    found = two_of(run, {before, after})
    absent = [str(sequence) for sequence in (before, after) if sequence not in found]
    if absent:
        message = f"The run has no checkpoint {' and no checkpoint '.join(absent)}; its last is {run.sequence}."
        raise InvalidRequest(message)
    return found[before], found[after]


def changes_between(before: CheckpointView, after: CheckpointView) -> dict[str, Any]:
    """Return what is different between the two, as ``difference`` does."""
    return difference(_compared(before), _compared(after))


def _compared(view: CheckpointView) -> dict[str, object]:
    """Return what is compared, redacted while its keys still say what is a secret."""
    return {"state": redact(view.state), "metadata": redact(view.metadata)}
