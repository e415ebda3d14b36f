"""The engine's value: where a run is and what flows on. Small by design: it never grows with the run.

Texts are not part of it. It names the checkpoint whose output a step receives, and whoever restores it looks that up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Self

from runs.engine.outcomes import Fault

RUN_INPUT = 1  # the first checkpoint of a run is its start; what it hands on is the run's input


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A place in a workflow: the root one (``workflow`` is None) or a component.

    ``input_at`` is the checkpoint whose text the workflow was given, ``prefix`` the way to its steps. ``at`` counts the
    turns taken, in a branch of a concurrent workflow it is the branch; ``node`` and ``visits`` belong to graphs.
    ``until`` is when the workflow has to be over, if the step that it is has a timeout (seconds since the epoch).
    ``attempt`` is the try of the step there (from 1), ``in_fallback`` whether that step's fallback stands in for it,
    ``retry_at`` when it may be tried again (seconds since the epoch). ``lines`` are the branches of a concurrent
    workflow once it is under way, ``spread`` is the number of its fan-out when they are runs of their own. ``started``
    tells whether the workflow has announced itself in the trace.
    """

    workflow: str | None = None
    input_at: int = RUN_INPUT
    prefix: str = ""
    at: int = 0
    node: str | None = None
    visits: Mapping[str, int] = field(default_factory=dict)
    attempt: int = 1
    in_fallback: bool = False
    retry_at: float | None = None
    is_branch: bool = False
    started: bool = False
    spread: int | None = None
    until: float | None = None
    lines: "tuple[Line, ...]" = ()

    @classmethod
    def restore(cls, kept: Mapping[str, Any]) -> Self:
        """Return the frame kept as ``kept``."""
        lines = tuple(Line.restore(line) for line in kept.get("lines", ()))
        return cls(**{name: value for name, value in kept.items() if name in _PLAIN_FRAME}, lines=lines)

    def kept(self) -> dict[str, Any]:
        """Return the frame as JSON, without what is as at the beginning."""
        values = zip(_PLAIN_FRAME, _plain_values(self), _NEW_VALUES, strict=True)
        kept = {name: value for name, value, new in values if value != new}
        return kept | ({"lines": [line.kept() for line in self.lines]} if self.lines else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of work: a stack of places, the innermost last. A branch of a concurrent workflow is a line of its own.

    ``text_at`` is the checkpoint whose text flows on. A line that is ``done`` has no frames, unless it ended with
    ``fault``: then they say where, so that it can be gone on with. ``asks`` is the question that its step has put in
    the middle of its work, while it is not answered.
    """

    text_at: int = RUN_INPUT
    frames: tuple[Frame, ...] = ()
    done: bool = False
    fault: Fault | None = None
    asks: str | None = None

    @property
    def top(self) -> Frame:
        """The innermost place."""
        return self.frames[-1]

    def spreads(self) -> Iterator[int]:
        """Yield the numbers of the fan-outs that are under way."""
        for frame in self.frames:
            if frame.spread is not None:
                yield frame.spread
            for line in frame.lines:
                yield from line.spreads()

    def unspread(self) -> "Line":
        """Return the line as it was before its workflows fanned out, for whom their branches do not belong to."""
        frames = (
            replace(frame, spread=None, lines=tuple(line.unspread() for line in frame.lines)) for frame in self.frames
        )
        return replace(self, frames=tuple(frames))

    def with_top(self, frame: Frame) -> "Line":
        """Return the line with another innermost place."""
        return replace(self, frames=(*self.frames[:-1], frame))

    @classmethod
    def restore(cls, kept: Mapping[str, Any]) -> Self:
        """Return the line kept as ``kept``."""
        fault = kept.get("fault")
        return cls(
            text_at=kept["text_at"],
            frames=tuple(Frame.restore(frame) for frame in kept.get("frames", ())),
            done=kept.get("done", False),
            fault=Fault(**fault) if fault else None,
            asks=kept.get("asks"),
        )

    def kept(self) -> dict[str, Any]:
        """Return the line as JSON."""
        kept: dict[str, Any] = {"text_at": self.text_at}
        if self.frames:
            kept["frames"] = [frame.kept() for frame in self.frames]
        if self.done:
            kept["done"] = True
        if self.asks is not None:
            kept["asks"] = self.asks
        if self.fault:
            kept["fault"] = {"type": self.fault.type, "message": self.fault.message}
        return kept

    def sources(self) -> Iterator[int]:
        """Yield the checkpoints whose texts are needed to go on."""
        yield self.text_at
        for frame in self.frames:
            yield frame.input_at
            for line in frame.lines:
                yield from line.sources()


_PLAIN_FRAME = tuple(name for name in Frame.__slots__ if name != "lines")
# All at once: every step keeps its frames.
_plain_values = attrgetter(*_PLAIN_FRAME)
_NEW_VALUES = _plain_values(Frame())


def position(cursor: Mapping[str, Any]) -> int:
    """Return how many turns the run's own workflow has taken, from its cursor."""
    frames = cursor.get("root", {}).get("frames") or [{}]
    return int(frames[0].get("at", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a run is: its root line, the last checkpoint, the texts that flow, and the variables set so far."""

    root: Line
    sequence: int = RUN_INPUT
    texts: Mapping[int, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def begin(cls, text: str, *, has_workflow: bool) -> Self:
        """Return the state of a run on ``text`` that has not begun."""
        frames = (Frame(),) if has_workflow else ()
        return cls(root=Line(frames=frames), texts={RUN_INPUT: text})

    @classmethod
    def restore(cls, cursor: Mapping[str, Any], *, sequence: int, texts: Mapping[int, str]) -> Self:
        """Return the state kept in ``cursor``; ``texts`` are those of ``sources(cursor)``."""
        root, variables = Line.restore(cursor["root"]), cursor.get("variables", {})
        return cls(root=root, sequence=sequence, texts=texts, variables=variables)

    @staticmethod
    def sources(cursor: Mapping[str, Any]) -> set[int]:
        """Return the checkpoints whose texts ``restore`` needs."""
        return set(Line.restore(cursor["root"]).sources()) if "root" in cursor else {RUN_INPUT}

    def cursor(self) -> dict[str, Any]:
        """Return what must be stored with the run to find the way back here."""
        cursor: dict[str, Any] = {"root": self.root.kept()}
        return cursor | ({"variables": dict(self.variables)} if self.variables else {})

    def line_at(self, way: tuple[int, ...]) -> Line:
        """Return the line that ``way``, the branch taken in each concurrent workflow, leads to."""
        line = self.root
        for branch in way:
            line = line.top.lines[branch]
        return line
