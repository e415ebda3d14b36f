"""Semantic checks of a document that matches the schema, a module per block.

The order of the checks is public. What this language demands beyond the published one comes last.
"""

from collections.abc import Iterator
from itertools import chain

from specs.language.diagnostics import Finding
from specs.language.schema import Spec
from specs.language.validation.agents import as_agent_findings, model_findings, runtime_findings, skill_findings
from specs.language.validation.building import building_findings
from specs.language.validation.content import content_findings
from specs.language.validation.cycles import cycle_findings
from specs.language.validation.data import data_findings
from specs.language.validation.governance import governance_findings
from specs.language.validation.graphs import graph_findings
from specs.language.validation.guardrails import memory_and_guardrail_findings
from specs.language.validation.http_tools import http_tool_findings
from specs.language.validation.humans import human_findings
from specs.language.validation.mcp import mcp_findings
from specs.language.validation.memory import memory_findings
from specs.language.validation.tools import tool_backing_findings, tool_selection_findings
from specs.language.validation.waiting import waiting_findings
from specs.language.validation.workflows import workflow_findings

CHECKS = (
    workflow_findings,
    tool_selection_findings,
    skill_findings,
    runtime_findings,
    graph_findings,
    model_findings,
    governance_findings,
    human_findings,
    memory_and_guardrail_findings,
    tool_backing_findings,
    as_agent_findings,
    mcp_findings,
    cycle_findings,
    building_findings,
    memory_findings,
    content_findings,
    data_findings,
    waiting_findings,
    http_tool_findings,
)


def semantic_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what all checks have to say about ``spec``, in the public order."""
    return chain.from_iterable(check(spec) for check in CHECKS)
