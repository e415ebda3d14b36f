"""Overlays and overrides: documents laid over a document."""

from collections.abc import Iterable, Mapping
from typing import Any

DELETE = {"__delete__": True}


def layer(base: Mapping[str, Any], overlays: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``base`` with ``overlays`` laid over it in order.

    Mappings merge, lists and scalars replace, ``null`` or ``{__delete__: true}`` removes the key. Inside a mapping that
    the overlay adds, both are ordinary values.
    """
    layered = dict(base)
    for overlay in overlays:
        layered = _merge(layered, overlay)
    return layered


def _merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        if value is None or value == DELETE:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(below, dict):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged
