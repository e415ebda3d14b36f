"""Takes over the records of a published kneo-serv: a batch at a time, each in one transaction, what is here already
left as it is. So it may be stopped at any moment, and be begun again.

Idempotency keys, locks and the queue stay behind: they are about requests and work that ended with that service.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any

from django.utils import timezone
from pydantic import ValidationError

from kneo_project.audit.services import record
from runs.importing import storing
from runs.importing.mapping import Arrival, arrival, audit_columns
from runs.importing.sources import Source
from runs.importing.values import Unreadable, document, known_id_of
from specs.language.policy import EnvironmentPolicy
from specs.policies import LONGEST_NAME, policy_of

RUNS, CHECKPOINTS, TRACE = "runs", "checkpoints", "trace events"
AUDIT, POLICIES, QUESTIONS = "audit events", "environment policies", "open human tasks"
KEYS, QUEUE, LOCKS = "idempotency keys", "queue entries", "locks"
EVENTS_AT_ONCE = 500

CLOSED = "arrived closed: nobody can go on with their runs"
BEHIND = {
    KEYS: ("idempotency_records", "a request that is sent again starts another run"),
    QUEUE: ("run_queue", "what they stand for has ended, or arrives as failed"),
    LOCKS: ("locks", "nobody holds them here"),
}


@dataclass(slots=True)
class Count:
    """What became of the records of a kind: ``left_out`` is how many stayed behind, by why."""

    found: int = 0
    taken: int = 0
    here: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Import:
    """Takes over what ``source`` has, in the name of ``actor``; a dry run only counts what it would take over."""

    source: Source
    actor: str
    batch_size: int
    is_dry: bool = False
    at: datetime = field(default_factory=timezone.now)
    counts: dict[str, Count] = field(default_factory=dict)
    unfinished: int = 0

    def __post_init__(self) -> None:
        kinds = (RUNS, CHECKPOINTS, TRACE, QUESTIONS, AUDIT, POLICIES, *BEHIND)
        self.counts = {kind: Count() for kind in kinds}

    def go(self) -> Iterator[int]:
        """Take everything over; yield after each batch of runs how many were looked at. The end is put on record."""
        self._count_all()
        for ids in batched(self.source.run_ids(), self.batch_size):
            with self._batch():
                self._take_runs(ids)
            yield self.runs_done
        for texts in batched(self.source.audit_events(), EVENTS_AT_ONCE):
            with self._batch():
                self._take_events(texts)
        with self._batch():
            self._take_policies()
            self._settle()

    @property
    def runs_done(self) -> int:
        """How many runs were looked at."""
        runs = self.counts[RUNS]
        return runs.taken + runs.here + runs.left_out.total()

    def _batch(self) -> AbstractContextManager[None]:
        return nullcontext() if self.is_dry else storing.alone()

    def _count_all(self) -> None:
        """Count what there is, and what of it stays behind in any case."""
        rows = self.source.counts()
        for kind, table in ((RUNS, "runs"), (CHECKPOINTS, "checkpoints"), (AUDIT, "audit_events")):
            self.counts[kind].found = rows[table]
        for kind, (table, reason) in BEHIND.items():
            self._leave(kind, reason, rows[table])
            self.counts[kind].found = rows[table]
        self._leave(CHECKPOINTS, "their run is not there", self.source.stray_checkpoints())

    def _take_runs(self, ids: tuple[str, ...]) -> None:
        arriving = {}
        for text in ids:
            try:
                arriving[known_id_of(text)] = text
            except Unreadable as error:
                self._leave(RUNS, str(error))
        here = storing.runs_here(arriving)
        self.counts[RUNS].here += len(here)
        for run_id, text in arriving.items():
            if run_id in here:
                self.counts[CHECKPOINTS].here += self.source.checkpoints_of(text)
            else:
                self._take_run(text)

    def _take_run(self, run_id: str) -> None:
        try:
            told = self._record_of(run_id)
            arriving = arrival(told, self.at)
        except Unreadable as error:
            self._leave(RUNS, str(error))
            self._leave(CHECKPOINTS, "their run stayed behind", self.source.checkpoints_of(run_id))
            return
        history = storing.History(arriving)
        rows = history.rows(self.source.checkpoints(run_id), told)
        if self.is_dry:
            for _ in rows:
                pass
        else:
            storing.store_run(arriving, history, rows)
        self._note(arriving, history)

    def _record_of(self, run_id: str) -> dict[str, Any]:
        record = document(self.source.run(run_id))
        if record.get("id") != run_id:
            raise Unreadable("its record is of another run")
        return record

    def _note(self, arriving: Arrival, history: storing.History) -> None:
        self.counts[RUNS].taken += 1
        self.unfinished += arriving.is_unfinished
        self.counts[CHECKPOINTS].taken += history.checkpoints
        for reason in history.left_out:
            self._leave(CHECKPOINTS, reason)
        trace = self.counts[TRACE]
        trace.found += history.trace_count
        trace.taken += history.events
        self._leave(TRACE, "more than KNEO_SERV_TRACE_MAX_EVENTS of a run", history.trace_count - history.events)
        if arriving.question is not None:
            self.counts[QUESTIONS].found += 1
            self._leave(QUESTIONS, CLOSED)

    def _take_events(self, texts: tuple[str, ...]) -> None:
        columns = []
        for text in texts:
            try:
                columns.append(audit_columns(document(text), self.at))
            except Unreadable as error:
                self._leave(AUDIT, str(error))
        here = storing.events_here(columns) if columns else set()
        arriving = [each for each in columns if each["public_id"] not in here]
        self.counts[AUDIT].here += len(columns) - len(arriving)
        self.counts[AUDIT].taken += len(arriving)
        if arriving and not self.is_dry:
            storing.store_events(arriving)

    def _take_policies(self) -> None:
        try:
            known = document(self.source.policies())
        except Unreadable as error:
            self.counts[POLICIES].found = 1
            self._leave(POLICIES, str(error))
            return
        self.counts[POLICIES].found = len(known)
        for environment, demands in sorted(known.items()):
            self._take_policy(environment, demands)

    def _take_policy(self, environment: str, demands: object) -> None:
        try:
            policy = EnvironmentPolicy.model_validate(demands)
        except ValidationError:
            self._leave(POLICIES, "they demand something that is not known here")
            return
        stored = policy_of(environment)
        if not 0 < len(environment) <= LONGEST_NAME:
            self._leave(POLICIES, f"the name is longer than {LONGEST_NAME} characters")
        elif stored == policy:
            self.counts[POLICIES].here += 1
        elif stored is not None:
            self._leave(POLICIES, "another one is stored here, and stays")
        else:
            self.counts[POLICIES].taken += 1
            if not self.is_dry:
                storing.store_policy(environment, policy.model_dump(), actor=self.actor)

    def _settle(self) -> None:
        """Put on record what was taken over, if anything was."""
        taken: Mapping[str, int] = {kind.replace(" ", "_"): count.taken for kind, count in self.counts.items()}
        if any(taken.values()) and not self.is_dry:
            facts = {kind: number for kind, number in taken.items() if number}
            record("runs.imported", actor=self.actor, metadata={**facts, "unfinished": self.unfinished})

    def _leave(self, kind: str, reason: str, number: int = 1) -> None:
        if number:
            self.counts[kind].left_out[reason] += number
