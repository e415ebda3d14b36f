"""What follows when a text does not pass: one function for every stage and every shape."""

from collections.abc import Sequence
from dataclasses import dataclass

from runs.agents.diary import Diary, Happening
from runs.agents.errors import GuardrailViolation, ToolResultGuardrailViolation, Violation
from runs.agents.guardrails.judging import Verdict, judge
from runs.agents.helpers import Helpers
from runs.agents.people import EDITED, PROVIDED, Question
from specs.language.agent_plan import GuardrailAction, GuardrailPlan, Stage

SUBJECTS = {
    Stage.INPUT: "what the agent was asked",
    Stage.OUTPUT: "the agent's answer",
    Stage.TOOL: "the result of a tool",
    Stage.WORKFLOW: "the output of a step",
}
# What a person may say instead of the text.
SPOKEN = (EDITED, PROVIDED)
REDACTED = {
    Stage.TOOL: "[redacted by tool result guardrail]",
    Stage.WORKFLOW: "[redacted by workflow guardrail]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The text that may flow on. ``retry`` says what to tell the one who is to try again instead.

    ``changes`` name the guardrails that changed the text, for the record of the step.
    """

    text: str
    retry: str | None = None
    changes: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The guardrails of one stage, and where they say what they found."""

    stage: Stage
    guardrails: Sequence[GuardrailPlan]
    agent_name: str
    diary: Diary

    async def apply(self, text: str, helpers: Helpers, *, may_retry: bool = False) -> Checked:
        """Return what may flow on of ``text``. Where nobody can try again, ``retry`` stops like ``block``.

        Raises:
            PersonNeeded: a person has to say whether it may.
            GuardrailViolation, ToolResultGuardrailViolation: it must not flow on.
            Exception: whatever a function or agent raises that is asked to judge.
        """
        changes: list[dict[str, str]] = []
        known: set[str] = set()
        for index, guardrail in enumerate(self.guardrails):
            # Answers are kept by the id of the guardrail: of two that share it, each asks for its own.
            asked = helpers.within(str(index)) if guardrail.id in known else helpers
            known.add(guardrail.id)
            verdict = await judge(guardrail, text, asked)
            if verdict.passed:
                continue
            self._tell(guardrail, verdict, text)
            if guardrail.action is GuardrailAction.RETRY and may_retry:
                return Checked(text=text, retry=self._sentence(guardrail, verdict))
            changed = await self._changed(guardrail, verdict, text, asked)
            if changed != text:
                changes.append({"id": guardrail.id, "action": guardrail.action.value})
            text = changed
        return Checked(text=text, changes=tuple(changes))

    async def _changed(self, guardrail: GuardrailPlan, verdict: Verdict, text: str, helpers: Helpers) -> str:
        match guardrail.action:
            case GuardrailAction.WARN:
                return text
            case GuardrailAction.REDACT if self.stage in REDACTED:
                return REDACTED[self.stage]
            case GuardrailAction.REVISE if verdict.revised_text is not None:
                return verdict.revised_text
            case GuardrailAction.ESCALATE | GuardrailAction.HUMAN_REVIEW:
                answer = await helpers.ask_person(self._question(guardrail, verdict, text))
                if not answer.is_rejection:
                    return answer.content or text if answer.decision in SPOKEN else text
        kind: type[Violation] = ToolResultGuardrailViolation if self.stage is Stage.TOOL else GuardrailViolation
        raise kind(self._sentence(guardrail, verdict))

    def _question(self, guardrail: GuardrailPlan, verdict: Verdict, text: str) -> Question:
        return Question(
            key=f"guardrail/{guardrail.id}",
            title=f"Let {SUBJECTS[self.stage]} pass?",
            prompt=self._sentence(guardrail, verdict),
            text=text,
            context={"guardrail": guardrail.id, "stage": self.stage.value, "agent": self.agent_name},
            is_escalated=guardrail.action is GuardrailAction.ESCALATE,
        )

    def _sentence(self, guardrail: GuardrailPlan, verdict: Verdict) -> str:
        why = f": {verdict.reason}" if verdict.reason else ""
        return f"Guardrail {guardrail.id!r} does not let {SUBJECTS[self.stage]} pass{why}."

    def _tell(self, guardrail: GuardrailPlan, verdict: Verdict, text: str) -> None:
        self.diary.write(
            Happening.GUARDRAIL_TRIGGERED,
            self.agent_name,
            input_text=text,
            error=verdict.reason or None,
            about={"guardrail_id": guardrail.id},
            metadata={"stage": self.stage.value, "type": guardrail.type.value, "action": guardrail.action.value},
        )
