"""YAML to plain values and their positions, from parser events.

The stock loaders recurse, expand aliases without a bound, keep the last of two equal keys and turn dates into objects;
building the values here keeps depth, number and kind of them under control whatever the text is.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)
from yaml.resolver import Resolver

from specs.language.diagnostics import Location, Position, SpecSyntaxError, syntax_error
from specs.language.limits import MAX_DEPTH, MAX_NUMBER_CHARS, MAX_VALUES

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CORE = "tag:yaml.org,2002:"
TEXT_TAGS = {f"{CORE}str", f"{CORE}timestamp", f"{CORE}value", f"{CORE}merge"}
NUMBER_TAGS = {f"{CORE}int": SafeConstructor.construct_yaml_int, f"{CORE}float": SafeConstructor.construct_yaml_float}
MERGE_KEY = "<<"


def read_yaml(text: str) -> tuple[object, dict[Location, Position]]:
    """Return the one document in ``text`` and the position of every key and item in it.

    Raises:
        SpecSyntaxError: malformed, several documents, tags, duplicate keys, aliases to nothing, or beyond the limits.
    """
    tree = _Tree()
    try:
        for event in yaml.parse(text, Loader=LOADER):
            tree.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        raise syntax_error(_malformed(text, error, position), position) from None
    except (yaml.YAMLError, UnicodeError):
        raise syntax_error("The YAML contains characters that are not allowed.", Position(1, 1)) from None
    if tree.documents == 0 or tree.root is None:
        raise syntax_error("The file is empty; a spec needs at least `version` and `agent`.", Position(1, 1))
    return tree.root, tree.positions


def _malformed(text: str, error: yaml.MarkedYAMLError, position: Position) -> str:
    line = text.splitlines()[position.line - 1 : position.line]
    if line and "\t" in line[0][: len(line[0]) - len(line[0].lstrip())]:
        return "The YAML is malformed: a tab indents this line. Write spaces instead."
    return f"The YAML is malformed: {error.problem or error.context}."


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen. ``key`` waits for its value, which is merged in if ``is_merging``."""

    value: dict[str, Any] | list[Any]
    at: Location
    anchor: str | None
    values_before: int
    key: str | None = None
    is_merging: bool = False
    merged: list[object] = field(default_factory=list)


@dataclass(slots=True)
class _Tree:
    """Builds values from events; its own stack takes the place of recursion."""

    root: object = None
    documents: int = 0
    positions: dict[Location, Position] = field(default_factory=dict)
    _values: int = 0
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[object, int]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Add what ``event`` says to the tree."""
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise syntax_error("The file holds several YAML documents; a spec is one.", _start(event))
        elif isinstance(event, CollectionEndEvent):
            self._close(event)
        elif isinstance(event, NodeEvent):
            self._node(event)

    def _node(self, event: NodeEvent) -> None:
        if self._expects_key():
            self._take_key(event)
        elif isinstance(event, AliasEvent):
            value, size = self._aliased(event)
            self._count(size, event)
            self._place(value, event)
        elif isinstance(event, ScalarEvent):
            self._count(1, event)
            value = _scalar(event)
            self._remember(event.anchor, value, 1)
            self._place(value, event)
        else:
            self._open(event)

    def _open(self, event: NodeEvent) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise syntax_error(
                f"The document is nested more than {MAX_DEPTH} levels deep.", _start(event), code="E_LIMIT"
            )
        _refuse_tag(event, allowed="map" if isinstance(event, MappingStartEvent) else "seq")
        self._count(1, event)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        opened = _Open(value, self._next_location(), event.anchor, self._values)
        self._place(value, event)
        self._stack.append(opened)

    def _close(self, event: Event) -> None:
        closed = self._stack.pop()
        for source in closed.merged:
            _merge(closed.value, source, event)
        self._remember(closed.anchor, closed.value, self._values - closed.values_before + 1)

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _take_key(self, event: NodeEvent) -> None:
        parent = self._stack[-1]
        key = self._aliased(event)[0] if isinstance(event, AliasEvent) else _key(event)
        if not isinstance(key, str):
            raise syntax_error("Keys are text; put this one into quotes.", _start(event))
        if key in parent.value:
            raise syntax_error(f"The key {key[:80]!r} appears twice in one mapping.", _start(event))
        self._remember(event.anchor, key, 1)
        self._count(1, event)
        parent.key = key
        parent.is_merging = key == MERGE_KEY and isinstance(event, ScalarEvent) and event.implicit[0]
        if not parent.is_merging:
            self.positions[(*parent.at, key)] = _start(event)

    def _next_location(self) -> Location:
        if not self._stack:
            return ()
        parent = self._stack[-1]
        return (*parent.at, len(parent.value) if isinstance(parent.value, list) else str(parent.key))

    def _place(self, value: object, event: NodeEvent) -> None:
        if not self._stack:
            self.root = value
            self.positions[()] = _start(event)
            return
        parent = self._stack[-1]
        if isinstance(parent.value, list):
            self.positions[(*parent.at, len(parent.value))] = _start(event)
            parent.value.append(value)
        elif parent.is_merging:
            parent.merged.append(value)
            parent.key = None
        else:
            parent.value[str(parent.key)] = value
            parent.key = None

    def _remember(self, anchor: str | None, value: object, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)

    def _aliased(self, event: AliasEvent) -> tuple[object, int]:
        if event.anchor not in self._anchors:
            raise syntax_error(f"The alias *{event.anchor} refers to nothing before it.", _start(event))
        return self._anchors[event.anchor]

    def _count(self, size: int, event: Event) -> None:
        self._values += size
        if self._values > 2 * MAX_VALUES:
            raise syntax_error(f"The document holds more than {MAX_VALUES:,} values.", _start(event), code="E_LIMIT")


_resolver: Any = Resolver()
_constructor: Any = SafeConstructor()


def _key(event: NodeEvent) -> object:
    if not isinstance(event, ScalarEvent):
        raise syntax_error("Keys are text, not lists or mappings.", _start(event))
    return _scalar(event)


def _scalar(event: ScalarEvent) -> object:
    tag = event.tag
    if tag is None or tag == "!":
        tag = _resolver.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag in TEXT_TAGS:
        return event.value
    if tag == f"{CORE}null":
        return None
    try:
        if tag == f"{CORE}bool":
            return SafeConstructor.bool_values[event.value.lower()]
        if tag in NUMBER_TAGS:
            return _number(tag, event.value)
    except (ValueError, LookupError, OverflowError):
        raise syntax_error(f"This is not a valid {tag.removeprefix(CORE)} value.", _start(event)) from None
    raise _foreign_tag(event)


def _number(tag: str, text: str) -> object:
    if len(text) > MAX_NUMBER_CHARS:
        raise ValueError(text[:MAX_NUMBER_CHARS])
    return NUMBER_TAGS[tag](_constructor, yaml.ScalarNode(tag, text))


def _merge(target: object, source: object, event: Event) -> None:
    sources = source if isinstance(source, list) else [source]
    for mapping in sources:
        if not isinstance(mapping, dict) or not isinstance(target, dict):
            raise syntax_error("The merge key << takes a mapping or a list of mappings.", _start(event))
        for key, value in mapping.items():
            target.setdefault(key, value)


def _refuse_tag(event: NodeEvent, *, allowed: str) -> None:
    if getattr(event, "tag", None) not in {None, "!", f"{CORE}{allowed}"}:
        raise _foreign_tag(event)


def _foreign_tag(event: NodeEvent) -> SpecSyntaxError:
    return syntax_error("YAML tags are not part of the language; write plain values.", _start(event))


def _start(event: Event) -> Position:
    mark: Any = event.start_mark
    return Position(mark.line + 1, mark.column + 1)
