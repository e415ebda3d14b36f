"""Runs of a plan in memory, on the offline model: the engine without a database, a broker or a clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from humantasks.rules import Answer, Decision, text_after
from runs.agent_work import checked_output
from runs.agents.answering import Agents
from runs.agents.context import StepContext
from runs.agents.diary import Diary
from runs.agents.errors import AgentError, MaxIterationsReached
from runs.agents.functions import call_function
from runs.agents.interrupt import Interrupt
from runs.agents.journal import Journal
from runs.agents.loop import run_agent
from runs.agents.people import PersonNeeded, place_of
from runs.agents.settings import AgentSettings
from runs.agents.tools.mcp_sessions import McpSessions
from runs.engine import interpreter, spreading
from runs.engine.actions import Action, AskHuman, RunAgent, RunStep, Spread, Work
from runs.engine.lifecycle import TERMINAL, Status
from runs.engine.outcomes import Answered, Failed, Fault, Settled, Succeeded
from runs.engine.progress import Progress, Record
from runs.engine.retrying import RetryPolicy
from runs.engine.spreading import AllEnded, Ended, NotSpreadable
from runs.engine.state import State
from runs.passing import RESTING_KINDS, passing
from specs.language.plan import Plan, StepKind
from specs.language.variables import variables_in

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
AT_ONCE = RetryPolicy(base_seconds=0)
APPROVED = Answer(request_id="", decision=Decision.APPROVED)


@dataclass(slots=True)
class OfflineRun:
    """A run that is driven in memory; ``records`` are its checkpoints in order."""

    plan: Plan
    state: State
    modules: tuple[str, ...] = ()
    records: list[Record] = field(default_factory=list)
    status: Status = Status.RUNNING
    output_text: str | None = None
    fault: Fault | None = None

    @classmethod
    def of(cls, plan: Plan, text: str, *, modules: tuple[str, ...] = ()) -> "OfflineRun":
        """Return a run of ``plan`` on ``text``, driven until it rests; functions come from ``modules``."""
        has_workflow = interpreter.root_workflow(plan, wants_agent=False) is not None
        run = cls(plan=plan, state=State.begin(text, has_workflow=has_workflow), modules=modules)
        run.drive()
        return run

    @property
    def questions(self) -> list[AskHuman]:
        """The questions it waits for."""
        return [] if self.status in TERMINAL else [each for each in self._actions() if isinstance(each, AskHuman)]

    @property
    def last_text(self) -> str | None:
        """The run's output; until there is one, that of its latest step."""
        outputs = [record.output_text for record in self.records if record.output_text is not None]
        return outputs[-1] if outputs else None

    def visited(self) -> list[str]:
        """Return the completed steps of the run's own workflow, in order."""
        done = (record for record in self.records if record.type == "step_completed")
        return [record.step_id for record in done if record.step_id and record.path == record.step_id]

    def answer(self, answer: Answer = APPROVED, variables: Mapping[str, object] | None = None) -> None:
        """Answer the first question, and drive on."""
        action, workflow = self.questions[0], interpreter.root_workflow(self.plan, wants_agent=False)
        assert workflow is not None
        answered = Answered(
            text=text_after(answer, action.text),
            answered_at=NOW,
            decision=answer.decision.value,
            variables=variables or variables_in(action.human.sets, answer.form or {}),
            is_final_rejection=answer.decision is Decision.REJECTED and action.human.on_reject == "fail",
        )
        self._remember(interpreter.answer(self.plan, workflow, self.state, action, answered))
        self.drive()

    def drive(self) -> None:
        """Take one action after another until the run rests. After each, the state goes through its stored form."""
        while self.status is Status.RUNNING:
            work = next((each for each in self._actions() if isinstance(each, RunStep | RunAgent | Spread)), None)
            if work is None:
                return
            if isinstance(work, Spread):
                self._spread(work)
                continue
            workflow = interpreter.root_workflow(self.plan, wants_agent=False)
            outcome = self._perform(work)
            self._remember(interpreter.absorb(self.plan, workflow, self.state, work, outcome, AT_ONCE))

    def _spread(self, action: Spread) -> None:
        """Drive one branch after the other; whatever is asked in them is approved."""
        workflow = interpreter.root_workflow(self.plan, wants_agent=False)
        assert workflow is not None
        try:
            states = spreading.branches_of(action, self.state)
        except NotSpreadable as error:
            self._remember(spreading.refuse(self.plan, workflow, self.state, action, error.fault, NOW))
            return
        branches = [OfflineRun(plan=self.plan, state=state, modules=self.modules) for state in states]
        for branch in branches:
            branch.drive()
            while branch.questions:
                branch.answer()
        ended = [Ended(text=action.text, output=branch.output_text, fault=branch.fault) for branch in branches]
        all_ended = AllEnded(ended=ended)
        self._remember(spreading.join(self.plan, workflow, self.state, action, all_ended, NOW))

    def _actions(self) -> tuple[Action, ...]:
        workflow = interpreter.root_workflow(self.plan, wants_agent=False)
        return interpreter.next_actions(self.plan, workflow, self.state)

    def _remember(self, progress: Progress) -> None:
        self.records += progress.records
        self.status, self.fault = progress.status, progress.fault
        self.output_text = progress.output_text if progress.output_text is not None else self.output_text
        if progress.state is not None:
            after = progress.state
            self.state = State.restore(after.cursor(), sequence=after.sequence, texts=after.texts)

    def _perform(self, action: Work) -> Settled:
        """Do the work of a step; whatever it asks in the middle is approved."""
        kept: dict[str, Any] = {}
        try:
            while True:
                try:
                    return self._done(action, Journal(lambda: kept, kept.__setitem__))
                except PersonNeeded as needed:
                    answer = {"decision": "approved", "content": None, "digest": needed.question.digest}
                    kept[place_of(needed.question.key)] = answer
        except Exception as error:  # noqa: BLE001 - whatever a step raises is its failure
            kind = "max_iterations" if isinstance(error, MaxIterationsReached) else type(error).__name__
            fault = Fault(type=kind, message=str(error))
            final = isinstance(error, AgentError) and error.is_final
            return Failed(fault=fault, started_at=NOW, finished_at=NOW, is_final=final)

    def _done(self, action: Work, journal: Journal) -> Settled:
        if isinstance(action, RunStep) and action.work.kind in RESTING_KINDS:
            return passing(self.plan, action, datetime.fromtimestamp(action.not_before or NOW.timestamp(), tz=UTC))
        context = StepContext(
            run_id="offline", step_path=action.path, iteration=action.iteration, attempt=1, interrupt=Interrupt()
        )
        settings = AgentSettings(environ={}, function_modules=self.modules)
        sessions = McpSessions(self.plan.mcp_servers, settings)
        agents = Agents(
            plan=self.plan,
            settings=settings,
            context=context,
            diary=Diary(),
            journal=journal,
            sessions=sessions,
        )
        if isinstance(action, RunAgent):
            return _succeeded(run_agent(agents, action.agent, action.text).text)
        if action.work.kind is StepKind.AGENT:
            text = run_agent(agents, self.plan.agents[action.work.ref], action.text).text
        else:
            function = self.plan.functions[action.work.ref]
            text = call_function(function, action.text, context=context, allowed_modules=self.modules)
        return _succeeded(checked_output(agents, self.plan.agent, text)[0])


def _succeeded(text: str) -> Succeeded:
    return Succeeded(text=text, started_at=NOW, finished_at=NOW)


def rests(run: OfflineRun) -> Iterator[OfflineRun]:
    """Yield ``run`` at each rest, approving every question until it ends."""
    yield run
    while run.status is Status.RUNNING:
        run.answer()
        yield run
