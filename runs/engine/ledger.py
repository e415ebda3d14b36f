"""What one commit will remember, gathered while the interpreter goes on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runs.engine.actions import Place
from runs.engine.lifecycle import Status
from runs.engine.outcomes import Event, Fault
from runs.engine.progress import Record, RecordType


class Ledger:
    """The checkpoints and trace events of one commit, and the texts that flow on from them.

    ``sequence`` is the last checkpoint before; ``at`` is the moment that is recorded.
    """

    def __init__(self, sequence: int, texts: Mapping[int, str], at: datetime) -> None:
        self.at = at
        self.texts: dict[int, str] = dict(texts)
        self.records: list[Record] = []
        self.events: list[Event] = []
        self._sequence = sequence

    @property
    def sequence(self) -> int:
        """The last checkpoint, those of this commit included."""
        return self._sequence + len(self.records)

    def step(self, place: Place, text: str, *, details: Mapping[str, Any], **fields: Any) -> int:
        """Record the step of ``place``, which was given ``text``; return the checkpoint, whose output flows on."""
        failed = "output_text" not in fields
        self.record(
            Record(
                type=RecordType.STEP_FAILED if failed else RecordType.STEP_COMPLETED,
                status=Status.RUNNING,
                step_id=place.step.id,
                path=place.path,
                iteration=place.iteration,
                input_text=text,
                details={"workflow_type": place.shape.value, **details},
                **fields,
            )
        )
        return self.sequence

    def end(self, status: Status, **fields: Any) -> None:
        """Record the end of the run."""
        kind = RecordType.RUN_COMPLETED if status is Status.COMPLETED else RecordType.RUN_FAILED
        self.record(Record(type=kind, status=status, **fields))

    def record(self, record: Record) -> None:
        """Add a checkpoint."""
        self.records.append(record)
        if record.output_text is not None:
            self.texts[self.sequence] = record.output_text

    def tell(self, *events: Event) -> None:
        """Add trace events."""
        self.events.extend(events)


def described(fault: Fault) -> dict[str, str]:
    """Return ``fault`` as the condition of an edge may ask about it."""
    return {"message": fault.message, "type": fault.type}
