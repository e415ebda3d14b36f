"""One step forward: what an outcome changes in its line, and how far that carries the workflows around it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runs.engine import shapes
from runs.engine.ledger import Ledger, described
from runs.engine.outcomes import Event, EventType, Failed, Fault
from runs.engine.places import place_of, unfolded, work_at, workflow_at
from runs.engine.retrying import RetryPolicy, retry_delay
from runs.engine.shapes.ending import Ending
from runs.engine.state import Frame, Line, State
from specs.language.conditions import Facts
from specs.language.plan import OnError, ParallelPlan, Plan, StepPlan, WorkflowPlan

TOO_FAR = Fault(type="max_iterations", message="Run stopped after reaching max iterations.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a step came to: the text in ``output``, or the failure ``failed``; ``text`` is what it was given."""

    text: str
    output: str | None = None
    failed: Failed | None = None
    decision: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


class Walk:
    """Carries one result through the lines of a run. What must be remembered goes into ``ledger``.

    ``fault`` is set when the run is over at once; ``retry_at`` when the line waits for its next attempt.
    """

    def __init__(self, plan: Plan, root: WorkflowPlan, state: State, ledger: Ledger, policy: RetryPolicy) -> None:
        self.plan, self.root, self.ledger, self.policy = plan, root, ledger, policy
        self.variables: Mapping[str, Any] = state.variables
        self.line = unfolded(plan, root, state.root)
        self.fault: Fault | None = None
        self.retry_seconds: float | None = None

    def begin(self) -> None:
        """Let every workflow that is under way and has not said so announce itself."""
        self.line = self._begun(self.line)

    def take(self, way: tuple[int, ...], result: Result) -> None:
        """Let the step at the end of ``way`` come out as ``result``."""
        self._change(way, lambda line: self._come_out(line, result))

    def time_out(self, way: tuple[int, ...], depth: int, failed: Failed) -> None:
        """Let the workflow at the frame ``depth`` of the line at the end of ``way`` fail with all that is inside it."""
        self._change(way, lambda line: self._timed_out(line, depth, failed))

    def ask(self, way: tuple[int, ...], key: str | None) -> None:
        """Let the step at the end of ``way`` wait for an answer to its question ``key``; None lets it go on."""
        self._change(way, lambda line: replace(line, asks=key))

    def spread(self, way: tuple[int, ...], number: int) -> None:
        """Note that the branches of the workflow at the end of ``way`` are runs of their own, fan-out ``number``."""
        self._change(way, lambda line: line.with_top(replace(line.top, spread=number)))

    def join(self, way: tuple[int, ...], workflow: ParallelPlan, results: Sequence[Result]) -> None:
        """Let the branches of ``workflow``, at the end of ``way``, come out as ``results``, in declared order."""
        self._change(way, lambda line: self._come_together(line, workflow, results))

    def refuse(self, way: tuple[int, ...], fault: Fault) -> None:
        """Let the workflow at the end of ``way`` fail with ``fault`` before it has done anything."""
        self._change(way, lambda line: self._workflow_failed(line, fault, at=line))

    def defer(self, way: tuple[int, ...], until: float) -> None:
        """Let the step at the end of ``way`` come up again at ``until`` (seconds since the epoch), and not before."""
        self.line = _deferred(self.line, way, until)
        self.retry_seconds = max(0.0, until - self.ledger.at.timestamp())

    def _begun(self, line: Line) -> Line:
        if all(frame.started and not frame.lines for frame in line.frames):
            return line
        frames: list[Frame] = []
        for frame in line.frames:
            until = frame.until
            if not frame.started and not frame.is_branch:
                self._open(workflow_at(self.plan, self.root, frame), self.ledger.texts[frame.input_at])
                until = self._until(frames[-1]) if frames else None
            lines = tuple(self._begun(branch) for branch in frame.lines)
            frames.append(replace(frame, started=True, until=until, lines=lines))
        return replace(line, frames=tuple(frames))

    def _until(self, outer: Frame) -> float | None:
        """Return when the workflow has to be over that the step at ``outer`` is, and that begins now."""
        seconds = work_at(workflow_at(self.plan, self.root, outer), outer).timeout_seconds
        return self.ledger.at.timestamp() + seconds if seconds else None

    def _open(self, workflow: WorkflowPlan, text: str) -> None:
        facts = {"workflow_name": workflow.name, **shapes.opening_facts(workflow)}
        opening = Event(type=EventType.WORKFLOW_STARTED, at=self.ledger.at, input_text=text, metadata=facts)
        self.ledger.tell(opening)

    def _change(self, way: tuple[int, ...], change: Callable[[Line], Line]) -> None:
        self.line = unfolded(self.plan, self.root, self._changed(self.line, way, change))

    def _changed(self, line: Line, way: tuple[int, ...], change: Callable[[Line], Line]) -> Line:
        if not way:
            return change(line)
        frame = line.top
        branch = self._changed(frame.lines[way[0]], way[1:], change)
        lines = (*frame.lines[: way[0]], branch, *frame.lines[way[0] + 1 :])
        line = line.with_top(replace(frame, lines=lines))
        return self._joined(line) if all(each.done for each in lines) else line

    def _joined(self, line: Line) -> Line:
        """All branches are done: the first failure in declared order counts, else the last output."""
        lines = line.top.lines
        fault = next((branch.fault for branch in lines if branch.fault), None)
        if fault:
            return self._workflow_failed(line, fault, at=line)
        return self._workflow_done(replace(line, text_at=lines[-1].text_at), None)

    def _come_together(self, line: Line, workflow: ParallelPlan, results: Sequence[Result]) -> Line:
        """All branches, which were runs of their own, are done: as in ``_joined``, and each is a step of this run.

        Of those that failed only the first is recorded, as the others are gone on with if this run ever is.
        """
        frame = line.top
        branches = shapes.branches(workflow, frame, line.text_at)
        for branch, result in zip(branches, results, strict=True):
            if result.failed:
                record = {**_of_failure(result.failed), **result.record}
                self.ledger.step(place_of(workflow, branch.top), result.text, details=result.details, **record)
                return self._workflow_failed(line, result.failed.fault, at=line)
        lines = [self._done(branch, result) for branch, result in zip(branches, results, strict=True)]
        return self._workflow_done(replace(line.with_top(replace(frame, spread=None)), text_at=lines[-1].text_at), None)

    def _timed_out(self, line: Line, depth: int, failed: Failed) -> Line:
        input_at = line.frames[depth].input_at
        outer = replace(line, frames=line.frames[:depth], text_at=input_at, asks=None)
        return self._failed(outer, Result(text=self.ledger.texts[input_at], failed=failed), failed, at=line)

    def _come_out(self, line: Line, result: Result) -> Line:
        return self._failed(line, result, result.failed, at=line) if result.failed else self._done(line, result)

    def _done(self, line: Line, result: Result) -> Line:
        frame = line.top
        workflow = workflow_at(self.plan, self.root, frame)
        place, work = place_of(workflow, frame), work_at(workflow, frame)
        fallback = {} if work is place.step else {"fallback": work.id}
        recorded = self.ledger.step(
            place,
            result.text,
            output_text=result.output,
            details={**result.details, **fallback},
            **{"attempt": frame.attempt, **result.record},
        )
        return self._moved_on(replace(line, text_at=recorded), self._facts(place.step, result, recorded))

    def _facts(self, step: StepPlan, result: Result, recorded: int) -> Facts:
        fault = result.failed.fault if result.failed else None
        metadata: dict[str, Any] = {**result.details, "node_kind": step.kind.value, "on_error": step.on_error.value}
        if result.decision:
            metadata["human_response"] = result.decision
        if fault:
            metadata |= {"error": described(fault)}
        return Facts(
            output_text=self.ledger.texts[recorded],
            status="failed" if fault else "completed",
            metadata=metadata,
            variables=self.variables,
            decision=result.decision,
        )

    def _moved_on(self, line: Line, facts: Facts) -> Line:
        workflow = workflow_at(self.plan, self.root, line.top)
        following = shapes.after(workflow, line.top, facts)
        match following:
            case Ending.FINISHED:
                return self._workflow_done(line, facts)
            case frame if frame.attempt == 1 and not frame.in_fallback and frame.retry_at is None:
                line = line.with_top(frame)
            case frame:
                line = line.with_top(replace(frame, attempt=1, in_fallback=False, retry_at=None))
        if shapes.is_too_far(workflow, line.top):
            return self._workflow_failed(line, TOO_FAR, at=line)
        return line

    def _workflow_done(self, line: Line, facts: Facts | None) -> Line:
        frame = line.top
        if frame.is_branch:
            return replace(line, frames=(), done=True)
        workflow, text = workflow_at(self.plan, self.root, frame), self.ledger.texts[line.text_at]
        ending = Event(
            type=EventType.WORKFLOW_COMPLETED,
            at=self.ledger.at,
            output_text=text,
            metadata={"workflow_name": workflow.name},
        )
        self.ledger.tell(ending)
        if len(line.frames) == 1:
            return replace(line, frames=(), done=True)
        result = Result(
            text=self.ledger.texts[frame.input_at],
            output=text,
            decision=facts.decision if facts else None,
            details={"workflow": workflow.name},
        )
        return self._done(replace(line, frames=line.frames[:-1]), result)

    def _workflow_failed(self, line: Line, fault: Fault, *, at: Line) -> Line:
        """Fail the innermost workflow of ``line``; ``at`` is the line as it was where the failure began."""
        frame = line.top
        if self.fault or len(line.frames) == 1:
            if not frame.is_branch:
                self.fault = self.fault or fault
            return replace(at, done=True, fault=fault)
        failed = Failed(fault=fault, started_at=self.ledger.at, finished_at=self.ledger.at)
        outer = replace(line, frames=line.frames[:-1], text_at=frame.input_at)
        return self._failed(outer, Result(text=self.ledger.texts[frame.input_at], failed=failed), failed, at=at)

    def _failed(self, line: Line, result: Result, failed: Failed, *, at: Line) -> Line:
        frame = line.top
        workflow = workflow_at(self.plan, self.root, frame)
        place, work = place_of(workflow, frame), work_at(workflow, frame)
        self._tell_failure(place.step, work, frame.attempt, result, failed)
        if failed.is_final:
            self.fault = failed.fault
        else:
            delay = retry_delay(work, frame.attempt, failed, self.policy)
            if delay is not None:
                self.retry_seconds = delay
                retry_at = failed.finished_at.timestamp() + delay
                return line.with_top(replace(frame, attempt=frame.attempt + 1, retry_at=retry_at))
            if not frame.in_fallback and place.step.on_error is OnError.CONTINUE:
                return self._tolerated(line, result, failed)
            if not frame.in_fallback and self._has_fallback(workflow, place.step):
                return line.with_top(replace(frame, in_fallback=True, attempt=1, retry_at=None))
        self.ledger.step(
            place, result.text, details=result.details, **{**_of_failure(failed), "attempt": frame.attempt}
        )
        return self._workflow_failed(line, failed.fault, at=at)

    def _has_fallback(self, workflow: WorkflowPlan, step: StepPlan) -> bool:
        return step.on_error is OnError.FALLBACK and shapes.fallback_of(workflow, step) is not None

    def _tolerated(self, line: Line, result: Result, failed: Failed) -> Line:
        """Go on with the step's input, as if it were its output."""
        frame = line.top
        place = place_of(workflow_at(self.plan, self.root, frame), frame)
        recorded = self.ledger.step(
            place,
            result.text,
            output_text=result.text,
            details={**result.details, "step_failed": True},
            **{**_of_failure(failed), "attempt": frame.attempt},
        )
        return self._moved_on(replace(line, text_at=recorded), self._facts(place.step, result, recorded))

    def _tell_failure(self, step: StepPlan, work: StepPlan, attempt: int, result: Result, failed: Failed) -> None:
        event = Event(
            type=EventType.STEP_FAILED,
            at=failed.finished_at,
            step_id=step.id,
            input_text=result.text,
            error=failed.fault.message,
            metadata={"attempt": attempt, "error_type": failed.fault.type, "work": work.id},
        )
        self.ledger.tell(event)


def _of_failure(failed: Failed) -> dict[str, Any]:
    return {"fault": failed.fault, "started_at": failed.started_at}


def _deferred(line: Line, way: tuple[int, ...], until: float) -> Line:
    frame = line.top
    if not way:
        return line.with_top(replace(frame, retry_at=until))
    branch, *rest = way
    lines = (*frame.lines[:branch], _deferred(frame.lines[branch], tuple(rest), until), *frame.lines[branch + 1 :])
    return line.with_top(replace(frame, lines=lines))
