"""What a run has behind it, without the texts: as much as a picture and a timeline need, in one query."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runs.engine import interpreter
from runs.engine.actions import Action, AskHuman, Join, RunAgent, RunStep, Spread
from runs.engine.progress import RecordType
from runs.engine.state import State
from runs.models import Checkpoint, Run, Target
from specs.language.plan import Plan

MOST_ENTRIES = 2_000
# What the paths inside a step say about the visit: its fallback, its iteration, its attempt.
_VISIT = re.compile(r"(~[^/#@]+)?(#\d+)?(@\d+)?/")
_COLUMNS = ("sequence", "type", "step_id", "path", "iteration", "attempt", "started_at", "created_at", "error_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One checkpoint, without its texts."""

    sequence: int
    type: str
    step_id: str | None
    path: str
    iteration: int
    attempt: int
    started_at: datetime | None
    created_at: datetime
    error_type: str | None

    @property
    def is_step(self) -> bool:
        """Whether it is the record of a step: completed, or failed for good."""
        return self.type in (RecordType.STEP_COMPLETED, RecordType.STEP_FAILED)

    @property
    def place(self) -> str:
        """The step in the workflow, whichever visit it was."""
        return place_in(self.path)

    @property
    def frame(self) -> str:
        """The visit of the workflow that the step belongs to."""
        return self.path.removesuffix(self.step_id or "")


def place_in(path: str) -> str:
    """Return which step of the workflow ``path`` leads to: without the visits, the attempts and the fallbacks."""
    *way, last = path.split("/")
    return "/".join([*(_VISIT.sub("", f"{part}/") for part in way), last])


def around(place: str) -> Sequence[str]:
    """Return the steps that the step at ``place`` is inside of, the outermost first."""
    parts = place.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def history_of(run_id: uuid.UUID) -> tuple[Entry, ...]:
    """Return the latest ``MOST_ENTRIES`` checkpoints of a run, in order."""
    rows = Checkpoint.objects.filter(run=run_id).order_by("-sequence").values(*_COLUMNS)[:MOST_ENTRIES]
    return tuple(Entry(**row) for row in reversed(rows))


def under_way(run: Run, plan: Plan) -> Sequence[tuple[str, Action]]:
    """Return where ``run`` is: the places of what it does or waits for now, with what that is."""
    if run.is_terminal:
        return ()
    workflow = interpreter.root_workflow(plan, wants_agent=run.target == Target.AGENT)
    actions = interpreter.next_actions(plan, workflow, _state_of(run, has_workflow=workflow is not None))
    return [(_place_of(action), action) for action in actions]


def _state_of(run: Run, *, has_workflow: bool) -> State:
    """Return where the run is, without the texts, which say nothing about the place."""
    if not run.cursor:
        return State.begin("", has_workflow=has_workflow)
    texts = dict.fromkeys(State.sources(run.cursor), "")
    return State.restore(run.cursor, sequence=run.sequence, texts=texts)


def _place_of(action: Action) -> str:
    match action:
        case RunAgent():
            return action.agent.name
        case RunStep() | AskHuman():
            return place_in(action.place.path)
        case Spread() | Join():  # a fan-out is where its workflow is
            return place_in(action.path).removesuffix("/")
