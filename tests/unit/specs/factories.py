"""Documents to test with."""

from typing import Any

from specs.language.checking import check
from specs.language.diagnostics import Diagnostic

ONE_AGENT = {"agents": {"one": {"name": "one"}}}


def document(**blocks: Any) -> dict[str, Any]:
    """Return a v1 document with a root agent and ``blocks``."""
    return {"version": "v1", "agent": {"name": "root"}, **blocks}


def step(name: str = "s", kind: str = "agent", ref: str = "one", **fields: Any) -> dict[str, Any]:
    """Return a step."""
    return {"id": name, "kind": kind, "ref": ref, **fields}


def sequential(*steps: Any, **blocks: Any) -> dict[str, Any]:
    """Return a document whose root workflow has ``steps``; agent ``one`` and human ``boss`` are declared."""
    components = {**ONE_AGENT, "humans": {"boss": {}}, **blocks.pop("components", {})}
    return document(workflow={"type": "sequential", "steps": [*steps]}, components=components, **blocks)


def graph(nodes: dict[str, Any], *edges: Any, start: str = "a", **fields: Any) -> dict[str, Any]:
    """Return a document whose root workflow is a graph; agent ``one`` and human ``boss`` are declared."""
    workflow = {"type": "graph", "start": start, "nodes": nodes, "edges": [*edges], **fields}
    return document(workflow=workflow, components={**ONE_AGENT, "humans": {"boss": {}}})


def orchestration(shape: str, *participants: Any, **fields: Any) -> dict[str, Any]:
    """Return a document whose root workflow is of ``shape``; agent ``one`` and human ``boss`` are declared."""
    workflow = {"type": shape, "participants": [*participants], **fields}
    return document(workflow=workflow, components={**ONE_AGENT, "humans": {"boss": {}}})


def marks(found: list[Diagnostic]) -> list[tuple[str, str | None]]:
    """Return code and path of each diagnostic."""
    return [(diagnostic.code, diagnostic.path) for diagnostic in found]


def found_in(data: object) -> list[tuple[str, str | None]]:
    """Return code and path of everything there is to say about ``data``."""
    return marks(check(data))
