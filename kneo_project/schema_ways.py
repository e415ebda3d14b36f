"""In how many ways a JSON Schema judges a part of a value. Pure.

To say what is wrong, a validator keeps an error for each way that it has tried. References in several branches
multiply them with each level of the value: of a few lines and a short answer come billions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

ENDLESS = 10**9
# What judges the same part again, or one a level deeper: by a schema, some of them, or some that have names.
BRANCHES = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"})
INSIDE = frozenset(
    {
        "properties",
        "patternProperties",
        "additionalProperties",
        "unevaluatedProperties",
        "propertyNames",
        "items",
        "prefixItems",
        "additionalItems",
        "unevaluatedItems",
        "contains",
    }
)
NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
# Each of their schemas judges other parts of the value.
APART = frozenset({"properties", "items", "prefixItems"})


class Ways:
    """Counts the ways of ``schema``: never too few, at times too many."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._known: dict[tuple[int, int], int | None] = {}

    def most(self, levels: int) -> int:
        """Return how often a part of a value that has so many ``levels`` may be judged."""
        try:
            return self._count(self._schema, levels)
        except (RecursionError, _Unknown):
            return ENDLESS

    def _count(self, node: object, levels: int) -> int:
        if not isinstance(node, Mapping):
            return 1
        place = id(node), levels
        if place not in self._known:
            self._known[place] = None
            self._known[place] = min(1 + self._in_branches(node, levels) + self._inside(node, levels), ENDLESS)
        known = self._known[place]
        if known is None:  # it leads back to itself, and that at the same part
            raise _Unknown
        return known

    def _in_branches(self, node: Mapping[str, Any], levels: int) -> int:
        return sum(self._count(each, levels) for each in (*_schemas(node, BRANCHES), *self._targets(node)))

    def _inside(self, node: Mapping[str, Any], levels: int) -> int:
        if not levels:
            return 0
        apart = [self._count(each, levels - 1) for each in _schemas(node, APART)]
        return max(apart, default=0) + sum(self._count(each, levels - 1) for each in _schemas(node, INSIDE - APART))

    def _targets(self, node: Mapping[str, Any]) -> Iterator[object]:
        """Yield what the reference of ``node`` names. Raises _Unknown for what is no path from the beginning."""
        is_rebased = "$id" in node and node is not self._schema
        if is_rebased or "$dynamicRef" in node or "$recursiveRef" in node:
            raise _Unknown
        if (reference := node.get("$ref")) is not None:
            beginning, *path = str(reference).split("/")
            if beginning != "#":
                raise _Unknown
            yield self._found(path)

    def _found(self, path: Sequence[str]) -> object:
        found: Any = self._schema
        for part in path:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(name)] if isinstance(found, list | tuple) else found[name]
            except (KeyError, IndexError, ValueError, TypeError):
                raise _Unknown from None
        return found


class _Unknown(Exception):
    """Where a reference leads is not known here."""


def _schemas(node: Mapping[str, Any], keywords: frozenset[str]) -> Iterator[object]:
    """Yield the schemas under these ``keywords`` of ``node``."""
    for keyword in keywords & node.keys():
        value = node[keyword]
        if isinstance(value, list | tuple):
            yield from value
        elif keyword in NAMED and isinstance(value, Mapping):
            yield from value.values()
        else:
            yield value
