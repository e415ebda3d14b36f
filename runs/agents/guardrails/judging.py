"""Whether a text passes a guardrail, a function per type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kneo_project.patterns import Pattern
from runs.agents.helpers import Helpers
from specs.language.agent_plan import GuardrailPlan, GuardrailType

PASSES = re.compile(r"\s*PASS\b")
MAX_REASON_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a text passed, why not, and what could be said instead."""

    passed: bool
    reason: str = ""
    revised_text: str | None = None


PASSED = Verdict(passed=True)


async def judge(guardrail: GuardrailPlan, text: str, helpers: Helpers) -> Verdict:
    """Return what ``guardrail`` says about ``text``.

    Raises:
        Exception: whatever the function or the agent raises that is asked; a check that fails lets nothing pass.
    """
    match guardrail.type:
        case GuardrailType.KEYWORD:
            return _keyword(guardrail, text)
        case GuardrailType.REGEX:
            return _regex(guardrail, text)
        case GuardrailType.FUNCTION:
            return _verdict_of(await helpers.call_function(guardrail.ref or "", text))
        case GuardrailType.AGENT:
            reply = await helpers.ask_agent(guardrail.ref or "", text, key=f"guardrail/{guardrail.id}")
            return PASSED if PASSES.match(reply) else Verdict(passed=False, reason=_short(reply))


def _keyword(guardrail: GuardrailPlan, text: str) -> Verdict:
    folded = text.casefold()
    found = next((keyword for keyword in guardrail.keywords if keyword.casefold() in folded), None)
    return PASSED if found is None else Verdict(passed=False, reason=f"it contains {found!r}")


def _regex(guardrail: GuardrailPlan, text: str) -> Verdict:
    found = next((pattern for pattern in guardrail.patterns if Pattern(pattern).is_in(text)), None)
    return PASSED if found is None else Verdict(passed=False, reason=f"it matches the pattern {_short(found)}")


def _verdict_of(result: object) -> Verdict:
    """Return the verdict in what a function gave: true or false, a mapping, or an object with such attributes.

    Only a clear yes passes.
    """
    if isinstance(result, Mapping):
        facts = dict(result)
    elif hasattr(result, "passed"):
        facts = {name: getattr(result, name, None) for name in ("passed", "reason", "revised_text")}
    else:
        facts = {"passed": result}
    revised = facts.get("revised_text")
    return Verdict(
        passed=facts.get("passed") is True,
        reason=_short(str(facts.get("reason") or "")),
        revised_text=revised if isinstance(revised, str) else None,
    )


def _short(text: str) -> str:
    return text if len(text) <= MAX_REASON_CHARS else f"{text[: MAX_REASON_CHARS - 1]}…"
