"""What a step remembers of its own calls, so that after a crash it goes on from the last one."""

from collections.abc import Callable, Mapping
from typing import Any

from runs.agents.threads import in_thread

type Kept = Mapping[str, Any]


class Journal:
    """Answers of models, of tools and of other agents by their place in the step. Values are JSON.

    A step that is run again asks in the same order, so the same keys give what was answered the first time.

    Arguments:
        load: returns all that was kept before; called once, when first asked.
        keep: keeps one more entry, durably, before anything builds on it.
    """

    def __init__(self, load: Callable[[], Kept], keep: Callable[[str, Any], None]) -> None:
        self._load = load
        self._keep = keep
        self._kept: dict[str, Any] | None = None

    async def recall(self, key: str) -> Any | None:  # noqa: ANN401 - any JSON
        """Return what was kept under ``key``, or None."""
        if self._kept is None:
            self._kept = dict(await in_thread(self._load))
        return self._kept.get(key)

    async def record(self, key: str, value: object) -> None:
        """Keep ``value`` under ``key``."""
        await in_thread(lambda: self._keep(key, value))
        if self._kept is not None:
            self._kept[key] = value

    def tools_called(self, prefix: str) -> set[str]:
        """Return the tools whose calls below ``prefix`` have begun, as far as is kept."""
        kept = [*(self._kept or {}).items()]
        below = (value for key, value in kept if key.startswith(prefix) and isinstance(value, dict))
        return {value["tool"] for value in below if "tool" in value}


def forgetful() -> Journal:
    """Return a journal that keeps nothing beyond the process: for steps whose calls may all be made again."""
    return Journal(dict, lambda _key, _value: None)
