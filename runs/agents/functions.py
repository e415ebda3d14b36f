"""Call the Python functions that a spec names, within the modules that the operator allows."""

import asyncio
import contextlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

from runs.agents.context import StepContext
from runs.agents.errors import FunctionNotAllowed, FunctionNotFound, ProcessExitAttempted
from runs.agents.interrupting import run_interruptibly, stop_if_tripped
from runs.agents.threads import in_thread
from specs.language.plan import FunctionPlan

NAMED_PARAMETERS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def call_function(function: FunctionPlan, text: str, *, context: StepContext, allowed_modules: tuple[str, ...]) -> str:
    """Return what ``function`` makes of ``text``, as text.

    A function with a second parameter named ``context`` gets ``context``. An async function is awaited, and cancelled
    when ``context.interrupt`` is tripped; a sync one may look at the interrupt itself.

    Raises:
        FunctionNotAllowed: it lies outside ``allowed_modules`` (dotted prefixes; none allows none).
        FunctionNotFound: there is no such function.
        StepInterrupted: it was interrupted before it began, or while awaited.
        ProcessExitAttempted: it tried to end the process.
        Exception: whatever the function raises, unchanged.
    """
    stop_if_tripped(context.interrupt)
    path = function.implementation
    with _contained(path, Exception):
        result = _resolve(path, allowed_modules).on(text, context)
        if inspect.isawaitable(result):
            result = run_interruptibly(_settled(result, path), context.interrupt)
        return text_of(result)


async def call_beside(
    path: str, argument: object, *, context: StepContext, allowed_modules: tuple[str, ...], **keywords: Any
) -> object:
    """Return what the function at ``path`` makes of ``argument``, called from within an event loop.

    A sync function gets a thread of its own, so that it holds nobody up.

    Raises:
        Exception: as ``call_function``.
    """
    with _contained(path, Exception, asyncio.CancelledError):
        function = _resolve(path, allowed_modules)
        if inspect.iscoroutinefunction(function.call):
            result = function.on(argument, context, **keywords)
        else:
            result = await in_thread(lambda: function.on(argument, context, **keywords))
        return await result if inspect.isawaitable(result) else result


def text_of(result: object) -> str:
    """Return what flows on: text as it is, mappings and lists as JSON if they can be, else as Python says it."""
    if isinstance(result, dict | list):
        with contextlib.suppress(TypeError, ValueError):
            return json.dumps(result, ensure_ascii=False)
    return result if isinstance(result, str) else str(result)


async def _settled(result: Awaitable[object], path: str) -> object:
    with _contained(path, Exception, asyncio.CancelledError):
        return await result


@contextlib.contextmanager
def _contained(path: str, *passing: type[BaseException]) -> Iterator[None]:
    """Turn ``SystemExit`` and its like, which would end the worker, into a failure of the step."""
    try:
        yield
    except passing:
        raise
    except BaseException as error:
        raise ProcessExitAttempted(f"The function {path} tried to end the process ({type(error).__name__}).") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resolved:
    call: Callable[..., Any]
    takes_context: bool

    def on(self, argument: object, context: StepContext, **keywords: Any) -> object:
        """Call it on ``argument``, with ``context`` if it wants that."""
        if self.takes_context:
            keywords["context"] = context
        return self.call(argument, **keywords)


@lru_cache(maxsize=1024)
def _resolve(path: str, allowed_modules: tuple[str, ...]) -> _Resolved:
    module_name, _, symbol_name = path.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in path.split(".")):
        raise FunctionNotFound(f"{path!r} is not a dotted path of the form package.module.function.")
    # Importing runs code and dunder names reach into the module object itself: both are refused before they happen.
    if symbol_name.startswith("__") or not _is_allowed(module_name, allowed_modules):
        raise FunctionNotAllowed(f"The function {path} is outside the allowed modules (KNEO_SERV_FUNCTION_MODULES).")
    call = getattr(_import(module_name, path), symbol_name, None)
    if not callable(call):
        raise FunctionNotFound(f"The module {module_name} has no function {symbol_name!r}.")
    home = _home(call, module_name)
    if not _is_allowed(home, allowed_modules):
        message = f"The function {path} comes from the module {home}, which is not an allowed one"
        raise FunctionNotAllowed(f"{message} (KNEO_SERV_FUNCTION_MODULES).")
    return _Resolved(call=call, takes_context=_takes_context(call))


def _is_allowed(module_name: str, allowed_modules: tuple[str, ...]) -> bool:
    return any(module_name == allowed or module_name.startswith(f"{allowed}.") for allowed in allowed_modules)


def _import(module_name: str, path: str) -> ModuleType:
    try:
        return import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that exists but misses one of its own imports is the author's error, and says so best itself.
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise FunctionNotFound(f"The module {module_name} of the function {path} does not exist.") from None
        raise


def _home(call: Callable[..., Any], named: str) -> str:
    """Return the module that really defines ``call``, which a re-export (``from os import system``) does not change."""
    home = getattr(call, "__module__", None)
    if not isinstance(home, str):
        return named  # a method of a built-in type has no module: whoever keeps it under a name answers for it
    # The C half of a standard module is private: operator.add says that it comes from _operator.
    return home.removeprefix("_") if inspect.isbuiltin(call) else home


def _takes_context(call: Callable[..., Any]) -> bool:
    try:
        _text, *others = inspect.signature(call).parameters.values()
    except (ValueError, TypeError):  # no signature (some built-ins), or no parameter at all
        return False
    return any(parameter.name == "context" and parameter.kind in NAMED_PARAMETERS for parameter in others)
