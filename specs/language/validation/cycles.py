"""Components that need each other in a circle and so can never be built."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from specs.language.dependencies import needs
from specs.language.diagnostics import Finding
from specs.language.schema import Spec

MOST_NAMED = 10


def cycle_findings(spec: Spec) -> Iterator[Finding]:
    """Yield one finding if component agents, workflows and tools need each other in a circle."""
    try:
        TopologicalSorter(needs(spec)).prepare()
    except CycleError as error:
        circle = [f"{kind} {name!r}" for kind, name in error.args[1]]
        shown = circle if len(circle) <= MOST_NAMED else [*circle[:MOST_NAMED], "…"]
        yield Finding("E_BUILD_CYCLE", ("components",), f"Components need each other in a circle: {' → '.join(shown)}.")
