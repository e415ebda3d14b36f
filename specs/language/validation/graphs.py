"""Graph workflows: nodes, start, reachability, edges, conditions."""

from collections.abc import Iterator

from specs.language.diagnostics import Finding, Location
from specs.language.schema import Spec
from specs.language.schema.workflows import ConditionSpec, EdgeSpec, GraphSpec
from specs.language.suggesting import did_you_mean
from specs.language.validation.steps import FallbackCodes, Scope, fallback_findings, reference_findings

NODE_FALLBACKS = FallbackCodes(
    missing="E_GRAPH_NODE_FALLBACK_REF",
    unknown="E_GRAPH_NODE_FALLBACK_UNKNOWN",
    human="E_GRAPH_FALLBACK_HUMAN",
    disabled="E_GRAPH_NODE_FALLBACK_DISABLED",
)
NEED_VALUE = {"output_contains", "output_equals", "status_is", "decision_is", "metadata_equals", "variable_equals"}
NEED_KEY = {"metadata_equals", "variable_equals"}
NEED_CHILDREN = {"all_of", "any_of"}


def node_findings(workflow: GraphSpec, at: Location, scope: Scope) -> Iterator[Finding]:
    """Yield what is wrong with each node."""
    for key, node in workflow.nodes.items():
        here = (*at, "nodes", key)
        if node.id != key:
            message = f"The node under {key!r} calls itself {node.id!r}; the key counts."
            yield Finding("W_GRAPH_NODE_ID_MISMATCH", (*here, "id"), message)
        yield from fallback_findings(node, here, workflow.nodes, NODE_FALLBACKS)
        yield from reference_findings(node, here, scope)


def start_findings(workflow: GraphSpec, at: Location) -> Iterator[Finding]:
    """Yield what is wrong with the start, or else which nodes cannot be reached from it."""
    start = workflow.nodes.get(workflow.start)
    if start is None:
        hint = did_you_mean(workflow.start, workflow.nodes)
        yield Finding("E_GRAPH_START_UNKNOWN", (*at, "start"), f"There is no node {workflow.start!r}.", hint)
    elif not start.enabled:
        yield Finding("E_GRAPH_START_DISABLED", (*at, "start"), f"The start {workflow.start!r} is disabled.")
    else:
        enabled = {key for key, node in workflow.nodes.items() if node.enabled}
        for key in sorted(enabled - _reachable(workflow, enabled)):
            message = f"No way leads from the start {workflow.start!r} to node {key!r}."
            yield Finding("W_GRAPH_NODE_UNREACHABLE", (*at, "nodes", key), message)


def _reachable(workflow: GraphSpec, enabled: set[str]) -> set[str]:
    ways: dict[str, list[str]] = {}
    for edge in workflow.edges:
        ways.setdefault(edge.from_, []).append(edge.to)
    for key, node in workflow.nodes.items():
        if node.fallback_ref:
            ways.setdefault(key, []).append(node.fallback_ref)
    reached: set[str] = set()
    pending = [workflow.start]
    while pending:
        key = pending.pop()
        if key in enabled and key not in reached:
            reached.add(key)
            pending.extend(ways.get(key, ()))
    return reached


def graph_findings(spec: Spec) -> Iterator[Finding]:
    """Yield what is wrong with the way through each graph, root first."""
    for at, workflow in spec.located_workflows():
        if not isinstance(workflow, GraphSpec):
            continue
        if workflow.max_steps < 1:
            yield Finding("E_GRAPH_MAX_STEPS", (*at, "max_steps"), "A graph must be allowed at least one step.")
        if workflow.start not in workflow.nodes:
            yield Finding("E_GRAPH_START", (*at, "start"), f"The graph cannot begin at {workflow.start!r}.")
        for index, edge in enumerate(workflow.edges):
            yield from _edge(edge, (*at, "edges", index), workflow)


def _edge(edge: EdgeSpec, at: Location, workflow: GraphSpec) -> Iterator[Finding]:
    ends = (("E_GRAPH_EDGE_FROM", "leaves", edge.from_), ("E_GRAPH_EDGE_TO", "leads to", edge.to))
    for code, verb, key in ends:
        if key not in workflow.nodes:
            hint = did_you_mean(key, workflow.nodes)
            yield Finding(code, at, f"The edge {verb} node {key!r}, which does not exist.", hint)
    if edge.condition is not None:
        yield from condition_findings(edge.condition, (*at, "condition"))


def condition_findings(condition: ConditionSpec, at: Location) -> Iterator[Finding]:
    """Yield what ``condition`` and the conditions inside it lack. The depth of documents bounds the recursion."""
    kind = condition.type
    if kind in NEED_VALUE and condition.value is None:
        yield Finding("E_CONDITION_VALUE", (*at, "value"), f"The condition {kind!r} needs a `value`.")
    if kind in NEED_KEY and not condition.key:
        yield Finding("E_CONDITION_KEY", (*at, "key"), f"The condition {kind!r} needs a `key`.")
    if kind in NEED_CHILDREN and not condition.conditions:
        yield Finding("E_CONDITION_CHILDREN", (*at, "conditions"), f"The condition {kind!r} needs `conditions`.")
    if kind == "not" and condition.condition is None:
        yield Finding("E_CONDITION_CHILD", (*at, "condition"), "The condition 'not' needs a `condition`.")
    for index, child in enumerate(condition.conditions):
        yield from condition_findings(child, (*at, "conditions", index))
    if condition.condition is not None:
        yield from condition_findings(condition.condition, (*at, "condition"))
