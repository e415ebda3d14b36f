"""What a request says about its subject."""

import uuid

from kneo_project.errors import NotFound


def parsed_id(text: str) -> uuid.UUID:
    """Return the id that ``text`` is. Raises NotFound when it is none: nothing has such an id."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        raise NotFound from None
    if str(parsed) != text:
        raise NotFound
    return parsed
