"""What is different between two documents, path by path."""

from collections.abc import Iterator, Mapping
from typing import Any

MOST_SHOWN = 200


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was added, removed and changed, in the order of the paths; ``change_count`` counts what is not shown.

    A path names keys and positions, as in ``state.messages[0].role``. Empty containers are values.
    """
    old, new = dict(_leaves(before)), dict(_leaves(after))
    added: list[dict[str, Any]] = []
    removed: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    changes = [path for path in sorted(old.keys() | new.keys()) if _at(old, path) != _at(new, path)]
    for path in changes[:MOST_SHOWN]:
        if path not in old:
            added.append({"path": path, "value": new[path]})
        elif path not in new:
            removed.append({"path": path, "value": old[path]})
        else:
            changed.append({"path": path, "before": old[path], "after": new[path]})
    return {
        "change_count": len(changes),
        "added": added,
        "removed": removed,
        "changed": changed,
        "truncated": len(changes) > MOST_SHOWN,
    }


def _at(leaves: Mapping[str, object], path: str) -> tuple[bool, object]:
    return path in leaves, leaves.get(path)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value
