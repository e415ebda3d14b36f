"""``compile``, ``explain``, ``graph`` and ``policy-report``: what is in one spec."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from kneo_project.cli.output import say, show_json
from kneo_project.cli.service import Service
from specs.cli.asking import may_ask_service
from specs.cli.loading import open_spec, open_valid_spec, sent_spec
from specs.cli.options import AsJson, Environment, OnePath, ProjectFile
from specs.cli.output import failures_told
from specs.language.compiling import compile_spec
from specs.language.diagrams import dot, mermaid
from specs.language.drawing import draw
from specs.language.explaining import summarise
from specs.language.policy_report import policy_report
from specs.language.rendering import render
from specs.skills import read_skills


class GraphFormat(StrEnum):
    """How to print a graph."""

    JSON = "json"
    MERMAID = "mermaid"
    DOT = "dot"


DIAGRAMS = {GraphFormat.MERMAID: mermaid, GraphFormat.DOT: dot}

OutputFormat = Annotated[GraphFormat, typer.Option("--format", help="How to print the graph.")]


@may_ask_service
def compile_one(
    service: Service | None,
    path: OnePath = None,
    *,
    environment: Environment = None,
    project: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Compile a spec, as starting a run of it would."""
    if service is not None:
        answer = service.post("/specs/compile", sent_spec(path, project, environment))
    else:
        check, spec = open_valid_spec(path, project, environment)
        compile_spec(spec, skills=read_skills(check.document))
        summary = summarise(spec).as_compiled()
        answer = {"ok": True, "summary": summary, "diagnostics": check.as_dict()["diagnostics"]}
    _print(answer, answer.get("summary", answer), as_json=as_json)


@may_ask_service
def explain(
    service: Service | None,
    path: OnePath = None,
    *,
    environment: Environment = None,
    project: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Say what a spec consists of; components in the order in which they are built."""
    if service is not None:
        answer = service.post("/specs/explain", sent_spec(path, project, environment))
    else:
        _, spec = open_valid_spec(path, project, environment)
        answer = {"summary": summarise(spec).as_explained()}
    _print(answer, answer.get("summary", answer), as_json=as_json)


def graph(
    path: OnePath = None,
    *,
    environment: Environment = None,
    project: ProjectFile = None,
    as_json: AsJson = False,
    output_format: OutputFormat = GraphFormat.JSON,
) -> None:
    """Print the root workflow of a spec as a graph."""
    with failures_told(as_json=as_json):
        _, spec = open_valid_spec(path, project, environment)
    view = draw(spec)
    if as_json or output_format is GraphFormat.JSON:
        show_json(view.as_dict())
    else:
        typer.echo(DIAGRAMS[output_format](view), nl=False)


def report_policies(
    path: OnePath = None, *, environment: Environment = None, project: ProjectFile = None, as_json: AsJson = False
) -> None:
    """Say who in a spec may do what, who is asked and what is checked; also of a spec with errors."""
    with failures_told(as_json=as_json):
        _, examination = open_spec(path, project, environment)
    report = policy_report(examination)
    _print(report, report, as_json=as_json)


def _print(public: Mapping[str, Any], readable: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(public)
    else:
        for line in render(readable).splitlines():
            say(line)
