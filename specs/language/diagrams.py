"""A graph view as text that other programs draw: Mermaid and Graphviz DOT."""

from collections.abc import Iterator

from specs.language.drawing import GraphView, NodeView

MERMAID_SHAPES = {
    "agent": ("[", "]"),
    "function": ("[[", "]]"),
    "human": ("{{", "}}"),
    "workflow": ("[/", "/]"),
    "guardrail": (">", "]"),
    "wait": ("([", "])"),
    "signal": ("((", "))"),
}
DOT_SHAPES = {
    "agent": "box",
    "function": "component",
    "human": "hexagon",
    "workflow": "parallelogram",
    "guardrail": "cds",
    "wait": "oval",
    "signal": "circle",
}


def mermaid(view: GraphView) -> str:
    """Return ``view`` as a Mermaid flowchart: dashed ways have a condition, dotted ones are fallbacks."""
    return "\n".join(["flowchart TD", *(f"    {line}" for line in _mermaid_lines(view))]) + "\n"


def dot(view: GraphView) -> str:
    """Return ``view`` as a Graphviz digraph: dashed ways have a condition, dotted ones are fallbacks."""
    return "\n".join([f"digraph {_quoted(view.workflow_name or 'agent')} {{", *_dot_lines(view), "}"]) + "\n"


def _mermaid_lines(view: GraphView) -> Iterator[str]:
    numbers = {node.id: f"n{number}" for number, node in enumerate(view.nodes)}
    for node in view.nodes:
        opening, closing = MERMAID_SHAPES[node.kind]
        yield f'{numbers[node.id]}{opening}"{_mermaid_text(_caption(node))}"{closing}'
    if view.start in numbers:
        yield f"start(( )) --> {numbers[view.start]}"
    elif view.nodes:
        yield from (f"start(( )) --> {number}" for number in numbers.values())
    for edge in view.edges:
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        arrow = "-.->" if edge.conditional else "-->"
        yield f"{numbers[edge.source]} {arrow}{label} {numbers[edge.target]}"
    for node in view.nodes:
        if node.fallback_node:
            yield f'{numbers[node.id]} -. "on error" .-> {numbers[node.fallback_node]}'


def _dot_lines(view: GraphView) -> Iterator[str]:
    yield '    start [shape=circle label="" width=0.2];'
    numbers = {node.id: f"n{number}" for number, node in enumerate(view.nodes)}
    for node in view.nodes:
        yield f"    {numbers[node.id]} [shape={DOT_SHAPES[node.kind]} label={_quoted(_caption(node))}];"
    begins = [view.start] if view.start in numbers else list(numbers)
    yield from (f"    start -> {numbers[str(key)]};" for key in begins)
    for edge in view.edges:
        style = "dashed" if edge.conditional else "solid"
        label = f" label={_quoted(edge.label)}" if edge.label else ""
        yield f"    {numbers[edge.source]} -> {numbers[edge.target]} [style={style}{label}];"
    for node in view.nodes:
        if node.fallback_node:
            yield f'    {numbers[node.id]} -> {numbers[node.fallback_node]} [style=dotted label="on error"];'


def _caption(node: NodeView) -> str:
    return node.id if node.name == node.id else f"{node.id}: {node.name}"


def _mermaid_text(text: str) -> str:
    """Return ``text`` with everything that could end the label or be markup as character references."""
    return "".join(char if char.isalnum() or char in " -_.:,/" else f"#{ord(char)};" for char in text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
