"""What guardrails let pass, and what follows when they do not."""

from typing import Any

import pytest

from runs.agents.answering import AgentReply
from runs.agents.diary import Diary, Happening
from runs.agents.errors import GuardrailViolation, ToolResultGuardrailViolation
from runs.agents.loop import check_output, run_agent
from specs.language.agent_plan import AgentPlan, GuardrailAction, GuardrailPlan, GuardrailType, Stage, ToolPlan
from specs.language.plan import FunctionPlan, Plan
from tests.stubs.chat_server import ChatServer, completion, tool_call
from tests.unit.agents.factories import agent_plan, agents, served_agent

SAMPLES = "tests.unit.agents.sample_functions"
LOOKUP = ToolPlan(name="lookup", description="d", implementation=f"{SAMPLES}.lookup")


def keyword(*words: str, action: str = "block") -> GuardrailPlan:
    return GuardrailPlan(id="words", type=GuardrailType.KEYWORD, action=GuardrailAction(action), keywords=words)


def function(symbol: str, action: str = "block") -> GuardrailPlan:
    return GuardrailPlan(id="fn", type=GuardrailType.FUNCTION, action=GuardrailAction(action), ref=symbol)


def guarded(**stages: GuardrailPlan) -> dict[Stage, tuple[GuardrailPlan, ...]]:
    return {Stage(stage): (guardrail,) for stage, guardrail in stages.items()}


def ask(agent: AgentPlan, text: str = "hello", *, diary: Diary | None = None, **others: AgentPlan) -> AgentReply:
    functions = {name: FunctionPlan(implementation=f"{SAMPLES}.{name}") for name in FUNCTIONS}
    plan = Plan(agent=agent, agents=others, functions=functions, tools={"lookup": LOOKUP})
    return run_agent(agents(plan, diary=diary, function_modules=(SAMPLES,)), agent, text)


FUNCTIONS = ("soften", "is_short", "objecting", "fails")


@pytest.mark.parametrize("action", ["block", "retry"])
def test_an_input_that_does_not_pass_reaches_no_model(chat: ChatServer, action: str) -> None:
    agent = served_agent(chat.base_url, guardrails=guarded(input=keyword("SALARY", action=action)))

    with pytest.raises(GuardrailViolation, match="'words' does not let what the agent was asked pass") as stop:
        ask(agent, "my salary?")
    assert stop.value.is_final
    assert chat.requests == []


def test_a_warning_is_told_and_changes_nothing() -> None:
    diary = Diary()

    reply = ask(agent_plan(guardrails=guarded(input=keyword("hello", action="warn"))), diary=diary)

    assert reply.text == "Final answer: hello"
    (entry,) = [each for each in diary.entries if each.type is Happening.GUARDRAIL_TRIGGERED]
    assert entry.about == {"guardrail_id": "words"}
    assert entry.metadata == {"stage": "input", "type": "keyword", "action": "warn"}


def test_a_pattern_is_case_sensitive_and_is_searched_for() -> None:
    pattern = GuardrailPlan(id="card", type=GuardrailType.REGEX, patterns=(r"\b[0-9]{4}\b", "Secret"))
    agent = agent_plan(guardrails=guarded(input=pattern))

    assert ask(agent, "a secret 12345").text == "Final answer: a secret 12345"
    with pytest.raises(GuardrailViolation, match="matches the pattern"):
        ask(agent, "pin 1234")


@pytest.mark.parametrize(("text", "passes"), [("tiny", False), ("x", False)])
def test_a_function_says_yes_or_no(text: str, *, passes: bool) -> None:
    with pytest.raises(GuardrailViolation, match="'fn'"):
        ask(agent_plan(guardrails=guarded(output=function("is_short"))), text)
    assert not passes


@pytest.mark.parametrize("symbol", ["objecting", "soften"])
def test_a_function_may_answer_at_length(symbol: str) -> None:
    with pytest.raises(GuardrailViolation, match=r"pass: (no|it swears)\."):
        ask(agent_plan(guardrails=guarded(output=function(symbol))), "damn")


def test_a_check_that_fails_lets_nothing_pass() -> None:
    with pytest.raises(LookupError):
        ask(agent_plan(guardrails=guarded(input=function("fails"))))


def test_an_answer_is_replaced_by_its_revision_and_that_is_recorded() -> None:
    reply = ask(agent_plan(guardrails=guarded(output=function("soften", "revise"))), "damn it")

    assert reply.text == "Final answer: dear it"
    assert reply.details == {"guardrails": [{"id": "fn", "action": "revise"}]}


def test_without_a_revision_there_is_nothing_to_say_instead() -> None:
    with pytest.raises(GuardrailViolation):
        ask(agent_plan(guardrails=guarded(output=function("objecting", "revise"))))


def test_the_model_is_told_why_and_asked_again(chat: ChatServer) -> None:
    chat.queue(completion("damn"), completion("fine"))

    reply = ask(served_agent(chat.base_url, guardrails=guarded(output=keyword("damn", action="retry"))))

    assert reply.text == "fine"
    assert [message["content"] for message in chat.requests[1].body["messages"][1:]] == [
        "hello",
        "damn",
        "Guardrail 'words' does not let the agent's answer pass: it contains 'damn'. Answer again.",
    ]


def test_asking_again_has_an_end(chat: ChatServer) -> None:
    chat.otherwise = lambda _body: completion("damn")

    with pytest.raises(GuardrailViolation):
        ask(served_agent(chat.base_url, guardrails=guarded(output=keyword("damn", action="retry"))))
    assert len(chat.requests) == 3


@pytest.mark.parametrize(
    ("action", "heard"),
    [
        ("redact", "[redacted by tool result guardrail]"),
        ("warn", '{"found": "x"}'),
        ("retry", """{"error": "Guardrail 'words' does not let the result of a tool pass: it contains 'found'."}"""),
    ],
)
def test_the_model_hears_only_what_passes_of_a_tool(chat: ChatServer, action: str, heard: str) -> None:
    chat.queue(tool_call("lookup", '{"query": "x"}'))
    rules = guarded(tool=keyword("found", action=action))

    ask(served_agent(chat.base_url, "react", tools=("lookup",), guardrails=rules))

    assert chat.requests[1].body["messages"][-1]["content"] == heard


def test_a_result_that_must_not_be_heard_ends_the_turn(chat: ChatServer) -> None:
    chat.queue(tool_call("lookup", '{"query": "x"}'))

    with pytest.raises(ToolResultGuardrailViolation, match="the result of a tool"):
        ask(served_agent(chat.base_url, "react", tools=("lookup",), guardrails=guarded(tool=keyword("found"))))
    assert len(chat.requests) == 1


@pytest.mark.parametrize(
    ("says", "passes"), [("PASS", True), ("  PASS, fine", True), ("PASSABLE", False), ("no", False)]
)
def test_an_agent_may_review(chat: ChatServer, says: str, *, passes: bool) -> None:
    chat.queue(completion("the answer"), completion(says))
    review = GuardrailPlan(id="tone", type=GuardrailType.AGENT, ref="reviewer")
    agent = served_agent(chat.base_url, guardrails=guarded(output=review))

    if passes:
        assert ask(agent, reviewer=served_agent(chat.base_url)).text == "the answer"
    else:
        with pytest.raises(GuardrailViolation, match="'tone'"):
            ask(agent, reviewer=served_agent(chat.base_url))
    assert chat.requests[1].body["messages"][-1]["content"] == "the answer"


def test_of_two_reviews_that_share_an_id_each_is_asked_for(chat: ChatServer) -> None:
    chat.queue(completion("the answer"), completion("PASS"), completion("no"))
    reviews = tuple(GuardrailPlan(id="review", type=GuardrailType.AGENT, ref=ref) for ref in ("tone", "law"))
    agent = served_agent(chat.base_url, guardrails={Stage.OUTPUT: reviews})

    with pytest.raises(GuardrailViolation, match="pass: no"):
        ask(agent, tone=served_agent(chat.base_url), law=served_agent(chat.base_url))
    assert len(chat.requests) == 3


@pytest.mark.parametrize(
    ("guardrail", "flows"),
    [
        (keyword("iban", action="redact"), "[redacted by workflow guardrail]"),
        (function("soften", "revise"), "iban dear"),
        (keyword("other"), "iban damn"),
    ],
)
def test_the_output_of_a_step_is_what_passes_of_it(guardrail: GuardrailPlan, flows: str) -> None:
    root = agent_plan(guardrails=guarded(workflow=guardrail))
    plan = Plan(agent=root, functions={"soften": FunctionPlan(implementation=f"{SAMPLES}.soften")})

    assert check_output(agents(plan, function_modules=(SAMPLES,)), root, "iban damn").text == flows


def test_one_guardrail_looks_at_what_the_one_before_left() -> None:
    rules: dict[Stage, Any] = {Stage.OUTPUT: (function("soften", "revise"), keyword("damn"))}

    assert ask(agent_plan(guardrails=rules), "damn").text == "Final answer: dear"
