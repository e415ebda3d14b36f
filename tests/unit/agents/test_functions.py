import pytest

from runs.agents.errors import AgentError, FunctionNotAllowed, FunctionNotFound, ProcessExitAttempted, StepInterrupted
from runs.agents.functions import call_function
from runs.agents.interrupt import Interrupt
from specs.language.plan import FunctionPlan
from tests.unit.agents.factories import step_context

SAMPLES = "tests.unit.agents.sample_functions"


def call(path: str, *, allowed: tuple[str, ...] = (SAMPLES,), interrupt: Interrupt | None = None) -> str:
    plan = FunctionPlan(implementation=path)
    return call_function(plan, "hi", context=step_context(interrupt), allowed_modules=allowed)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("upper", "HI"),
        ("slowly_upper", "HI"),
        ("nothing", "None"),
        ("count", "2"),
        ("cached", "cached hi"),
        ("dashed", "h-i"),
        ("Greeter", "hello hi"),
        ("key", "hi run-1/draft/1"),
        ("key_by_keyword", "hi 1"),
        ("text_called_context", "HI"),
        ("takes_anything", "hi {}"),
    ],
)
def test_a_function_is_called_with_the_text_and_the_context_it_asks_for(name: str, result: str) -> None:
    assert call(f"{SAMPLES}.{name}") == result


@pytest.mark.parametrize(
    ("path", "module", "result"),
    [("string.capwords", "string", "Hi"), ("operator.length_hint", "operator", "2")],
)
def test_functions_of_the_standard_library_can_be_allowed(path: str, module: str, result: str) -> None:
    assert call(path, allowed=(module,)) == result


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("os.system", (SAMPLES,)),
        ("os.system", ()),
        (f"{SAMPLES}.upper", ()),
        (f"{SAMPLES}.upper", ("tests.unit.agents.sample",)),
        (f"{SAMPLES}.upper", ("ests.unit.agents.sample_functions",)),
        (f"{SAMPLES}.upper", ("",)),
        (f"{SAMPLES}.system", (SAMPLES,)),
        (f"{SAMPLES}.popen", (SAMPLES,)),
        ("operator.length_hint", ("_operator",)),
        (f"{SAMPLES}.__getattribute__", (SAMPLES,)),
        (f"{SAMPLES}.__class__", (SAMPLES,)),
        (f"{SAMPLES}.__loader__", (SAMPLES,)),
        ("builtins.eval", (SAMPLES,)),
    ],
)
def test_what_lies_outside_the_allowed_modules_is_refused_for_good(path: str, allowed: tuple[str, ...]) -> None:
    with pytest.raises(FunctionNotAllowed) as refusal:
        call(path, allowed=allowed)
    assert not refusal.value.retriable


@pytest.mark.parametrize(
    "path",
    [
        f"{SAMPLES}.subprocess.run",
        f"{SAMPLES}.missing",
        f"{SAMPLES}.NOT_CALLABLE",
        f"{SAMPLES}.missing.upper",
        f"{SAMPLES}..upper",
        f"{SAMPLES}.up per",
        f".{SAMPLES}.upper",
        f"{SAMPLES}:upper",
        "upper",
        "",
        "\0.x",
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(path: str) -> None:
    with pytest.raises(FunctionNotFound) as refusal:
        call(path)
    assert not refusal.value.retriable


def test_nothing_is_imported_from_a_module_that_is_not_allowed() -> None:
    with pytest.raises(FunctionNotAllowed):
        call("no.such.module.function")


def test_an_exception_of_a_function_comes_out_unchanged() -> None:
    with pytest.raises(LookupError, match="hi"):
        call(f"{SAMPLES}.fails")


def test_a_type_error_inside_a_function_is_not_taken_for_a_missing_context() -> None:
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        call(f"{SAMPLES}.wrong_arguments_inside")


@pytest.mark.parametrize("name", ["exits", "exits_later", "presses_control_c", "cancels", "cancels_itself"])
def test_a_function_cannot_end_the_worker(name: str) -> None:
    with pytest.raises(ProcessExitAttempted, match=f"{SAMPLES}.{name}"):
        call(f"{SAMPLES}.{name}")


def test_an_interrupt_cancels_an_async_function() -> None:
    with pytest.raises(StepInterrupted, match="cancelled by a test"):
        call(f"{SAMPLES}.waits_for_ever", interrupt=Interrupt())


@pytest.mark.parametrize("name", ["upper", "slowly_upper"])
def test_an_interrupted_step_calls_no_function(name: str) -> None:
    interrupt = Interrupt()
    interrupt.trip("the lease was lost")
    with pytest.raises(AgentError, match="the lease was lost"):
        call(f"{SAMPLES}.{name}", interrupt=interrupt)
