"""What a workflow means, as plainly as it can be said: no state, no records, no crashes."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

type Block = dict[str, Any]


class StepFailed(Exception):
    """A step failed for good."""


@dataclass(slots=True)
class Model:
    """Runs workflows by walking through them. The first ``fails[id]`` calls of a step's work fail.

    ``calls`` counts the calls of each work, ``visits`` the completed steps in the run's own workflow.
    """

    workflows: dict[str, Block]
    fails: dict[str, int]
    calls: Counter[str] = field(default_factory=Counter)
    visits: list[str] = field(default_factory=list)

    def run(self, workflow: Block, text: str, *, is_root: bool = True) -> str:
        """Return the output of ``workflow`` on ``text``."""
        steps = {step["id"]: step for step in _steps(workflow)}
        match workflow["type"]:
            case "concurrent":
                return self._all(list(steps.values()), text, steps, is_root=is_root)
            case "graph":
                return self._graph(workflow, text, steps, is_root=is_root)
            case "handoff":
                order = workflow["selector"]["sequence"]
            case "group-chat":
                order = [*steps] * workflow["rounds"]
            case _:
                order = [*steps]
        for step_id in order:
            text, _ = self._step(steps[step_id], text, steps, is_root=is_root)
        return text

    def _all(self, steps: list[Block], text: str, known: dict[str, Block], *, is_root: bool) -> str:
        outputs: list[str | StepFailed] = []
        for step in steps:
            try:
                outputs.append(self._step(step, text, known, is_root=is_root)[0])
            except StepFailed as failed:
                outputs.append(failed)
        for output in outputs:
            if isinstance(output, StepFailed):
                raise output
        return str(outputs[-1])

    def _graph(self, workflow: Block, text: str, steps: dict[str, Block], *, is_root: bool) -> str:
        node: str | None = workflow["start"]
        while node is not None:
            text, is_fine = self._step(steps[node], text, steps, is_root=is_root)
            edges = (edge for edge in workflow["edges"] if edge["from"] == node)
            wanted = "completed" if is_fine else "failed"
            node = next((e["to"] for e in edges if e.get("condition", {"value": wanted})["value"] == wanted), None)
        return text

    def _step(self, step: Block, text: str, steps: dict[str, Block], *, is_root: bool) -> tuple[str, bool]:
        """Return what flows on, and whether the step did what it was to do."""
        output, is_fine = self._tried(step, text), True
        if output is None and step.get("on_error") == "fallback":
            output = self._tried(steps[step["fallback_ref"]], text)
        if output is None and step.get("on_error") == "continue":
            output, is_fine = text, False
        if output is None:
            raise StepFailed(step["id"])
        if is_root:
            self.visits.append(step["id"])
        return output, is_fine

    def _tried(self, step: Block, text: str) -> str | None:
        for _ in range(1 + step.get("max_retries", 0)):
            output = self._attempt(step, text)
            if output is not None:
                return output
        return None

    def _attempt(self, step: Block, text: str) -> str | None:
        if step["kind"] == "workflow":
            try:
                return self.run(self.workflows[step["ref"]], text, is_root=False)
            except StepFailed:
                return None
        self.calls[step["id"]] += 1
        return None if self.calls[step["id"]] <= self.fails.get(step["id"], 0) else f"{text}>{step['id']}"


def _steps(workflow: Block) -> list[Block]:
    if workflow["type"] == "graph":
        return [*workflow["nodes"].values()]
    return list(workflow["steps"] if workflow["type"] == "sequential" else workflow["participants"])
