"""An answer in the columns of a row: of the task that it decided, or of an approval that counts towards that."""

from typing import Any

from humantasks.models import HumanTask, TaskApproval
from humantasks.rules import Answer, Decision


def columns_of(answer: Answer) -> dict[str, Any]:
    """Return the columns that keep ``answer``, but for who gave it and when."""
    return {
        "decision": answer.decision,
        "content": answer.content,
        "selected_option": answer.selected_option,
        "filled_form": answer.form,
        "response_metadata": answer.metadata,
    }


def answer_of(row: HumanTask | TaskApproval) -> Answer:
    """Return the answer that ``row`` keeps; a task that is open keeps none."""
    task = row if isinstance(row, HumanTask) else row.task
    return Answer(
        request_id=str(task.request_id),
        decision=Decision(row.decision or ""),
        content=row.content,
        selected_option=row.selected_option,
        form=row.filled_form,
        metadata=row.response_metadata,
    )
