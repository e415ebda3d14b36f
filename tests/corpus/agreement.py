"""How far the language agrees with the published system, file by file: ``make corpus``."""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from runs.engine.actions import AskHuman
from specs.language.checking import Examination, examine
from specs.language.compiling import compile_spec
from specs.language.diagnostics import CompileError, Diagnostic, SpecSyntaxError
from specs.language.drawing import draw
from specs.language.explaining import summarise
from specs.language.parsing import load
from specs.language.policy import EnvironmentPolicy, gate
from specs.language.policy_report import policy_report
from specs.language.schema import Spec
from tests.corpus import ROOT, verdicts
from tests.offline import OfflineRun, rests

AWAITING_HUMAN = "Human intervention required."
DIFFERENCES = ROOT.parents[1] / "docs" / "differences.md"
ROW = re.compile(r"^\| `((?:valid|invalid)/[^`]+)` \| ([a-z ]+) \|", flags=re.MULTILINE)

type Told = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What both say about one file in one respect. ``is_listed`` tells a deliberate difference."""

    name: str
    column: str
    ours: object
    theirs: object
    is_listed: bool

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.ours == self.theirs


def comparisons() -> Iterator[Comparison]:
    """Yield what both say, for each file and each respect in which the published system was asked."""
    listed = set(ROW.findall(DIFFERENCES.read_text()))
    for name, verdict in verdicts().items():
        examination = judge(name)
        for column, (key, ours) in COLUMNS.items():
            if key == "run" and not runs_here(examination):
                continue  # refused with E_UNSUPPORTED, and counted as what does not run here
            if key in verdict and (key == "raises" or "raises" not in verdict):
                yield Comparison(
                    name=name,
                    column=column,
                    ours=ours(examination, verdict),
                    theirs=bool(verdict[key]) if column == "refusal" else verdict[key],
                    is_listed=(name, column) in listed,
                )


def judge(name: str) -> Examination:
    """Return what we say about the corpus file ``name``."""
    try:
        document = load((ROOT / name).read_text(), name=name)
    except SpecSyntaxError as error:
        return Examination(spec=None, diagnostics=error.diagnostics)
    return examine(document.data, positions=document.positions)


def runs_here(examination: Examination) -> bool:
    """Return whether this release can run what was examined."""
    if examination.spec is None or examination.errors:
        return False
    try:
        compile_spec(examination.spec)
    except CompileError:
        return False
    return True


def _marks(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> list[Told]:
    return [{"code": each.code, "severity": each.severity.value, "path": each.path} for each in diagnostics]


def _spec(examination: Examination) -> Spec:
    assert examination.spec is not None
    return examination.spec


def _compiled(examination: Examination, _: Told) -> Told:
    summary = summarise(_spec(examination))
    return {
        "ok": not examination.errors,
        "root_agent": summary.root_agent,
        "root_workflow": summary.root_workflow,
        "component_agents": sorted(summary.component_agents),
        "component_workflows": sorted(summary.component_workflows),
    }


def _drawn(examination: Examination, _: Told) -> Told:
    view = draw(_spec(examination))
    return {
        "workflow_kind": view.workflow_kind,
        "start": view.start,
        "nodes": sorted(node.id for node in view.nodes),
        "edges": [[edge.source, edge.target, edge.conditional] for edge in view.edges],
    }


def _reported(examination: Examination, _: Told) -> Told:
    report = policy_report(examination)
    review = report["human_review"]
    return {
        "summary": report["summary"],
        "human_review": {
            "required": review["required"],
            "missing": review["missing"],
            "requirement_codes": [need["code"] for need in review["requirements"]],
        },
    }


def _gated(examination: Examination, verdict: Told) -> list[Told]:
    policy = EnvironmentPolicy(**verdict["environment_policy"])
    return _marks(gate(_spec(examination), examination.diagnostics, policy))


def _run(examination: Examination, verdict: Told) -> object:
    """Return what becomes of the spec on the offline model, as far as the published system was asked."""
    plan = compile_spec(_spec(examination))
    asked = verdict["run"]
    run = OfflineRun.of(plan, "hello kneo", modules=("string", "operator", "json"))
    told = _told(run)
    if "request" in asked:
        told["request"] = _request(run.questions[0])
    if "after_each_approval" in asked:
        told["after_each_approval"] = [_shortened(_told(each)) for each in islice(rests(run), 1, None)]
    return told


def _told(run: OfflineRun) -> Told:
    workflow = run.plan.workflow
    status = "blocked" if run.questions else run.status.value
    if run.fault and run.fault.type == "max_iterations":
        status = "max_iterations"
    told: Told = {"status": status, "output_text": AWAITING_HUMAN if run.questions else run.last_text}
    if workflow is not None:
        told["visited_nodes" if workflow.shape == "graph" else "visited_steps"] = run.visited()
    if workflow is not None and workflow.shape == "graph" and not run.questions:
        told["termination"] = "max_steps" if status == "max_iterations" else "no_matching_edge"
    if run.questions:
        told["pending_step_id"] = run.questions[0].step.id
    return told


def _shortened(told: Told) -> Told:
    return {name: told[name] for name in ("status", "output_text", "pending_step_id") if name in told}


def _request(question: AskHuman) -> Told:
    human = question.human
    return {
        "type": human.request_type.value,
        "title": human.title,
        "prompt": human.prompt,
        "context": {"input_text": question.text, **human.context},
        "options": None if human.options is None else list(human.options),
        "default_option": human.default_option,
        "requested_by": question.step.id,
        "assignee": human.assignee,
        "timeout_seconds": human.timeout_seconds,
        "on_timeout": human.on_timeout.value,
    }


COLUMNS: dict[str, tuple[str, Callable[[Examination, Told], object]]] = {
    "refusal": ("raises", lambda examination, _: bool(examination.errors)),
    "verdict": ("valid", lambda examination, _: not examination.errors),
    "diagnostics": ("diagnostics", lambda examination, _: _marks(examination.diagnostics)),
    "compile": ("compile", _compiled),
    "graph": ("graph", _drawn),
    "policy report": ("policy_report", _reported),
    "environment policy": ("environment_diagnostics", _gated),
    "offline run": ("run", _run),
}
"""Each respect: the key of the published answer and how we come to ours. Its exceptions are refusals of ours."""


def main() -> int:
    """Print the agreement for each respect and every difference; return 1 when one is not listed."""
    found = list(comparisons())
    for column in COLUMNS:
        asked = [each for each in found if each.column == column]
        agreed = sum(each.agrees for each in asked)
        listed = sum(each.is_listed and not each.agrees for each in asked)
        print(f"{column:<20} {agreed:>4} of {len(asked):>4} agree, {listed} differ as listed")  # noqa: T201
    names = [name for name, verdict in verdicts().items() if verdict.get("valid")]
    print(f"{'runs here':<20} {sum(runs_here(judge(name)) for name in names):>4} of {len(names):>4} valid specs")  # noqa: T201
    unlisted = [each for each in found if not each.agrees and not each.is_listed]
    for each in unlisted:
        print(f"{each.name}: {each.column}\n  ours   {each.ours}\n  theirs {each.theirs}")  # noqa: T201
    return 1 if unlisted else 0


if __name__ == "__main__":
    sys.exit(main())
