"""Addresses of ``http`` tools: templates in which arguments have places, and nothing else can be changed by them.

An argument may fill a part of the path or of the query, never the host; or it is the whole address, which then has to
lie within a list of domains.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote, urlsplit

PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
STRAY_BRACE = re.compile(r"[{}]")
SCHEMES = frozenset({"http", "https"})


class AddressInvalid(ValueError):
    """An argument cannot stand where the template has its place; the message says which and why."""


def places_in(template: str) -> list[str]:
    """Return the names of the arguments that have a place in ``template``, each once."""
    return list(dict.fromkeys(PLACE.findall(template)))


def whole_place(template: str) -> str | None:
    """Return the name of the argument that is the whole address, or None."""
    found = PLACE.fullmatch(template.strip())
    return found[1] if found else None


def problems_of(template: str) -> Iterator[str]:
    """Yield what is wrong with the address ``template``."""
    if STRAY_BRACE.search(PLACE.sub("", template)):
        yield "has a brace that belongs to no {name}"
        return
    if whole_place(template):
        return
    try:
        parts = urlsplit(template)
        _ = parts.port
    except ValueError:
        yield "is no address"
        return
    if parts.scheme not in SCHEMES or not parts.hostname:
        yield "is no http or https address with a host"
    elif PLACE.search(parts.netloc):
        yield "has an argument in its host, which only the spec may choose"
    elif "@" in parts.netloc:
        yield "has a user name or password; name a secret in header_refs"
    elif parts.fragment or not re.fullmatch(r"[!-~]+", template):
        yield "has a fragment, a space or a letter that addresses do not have"


def filled(template: str, arguments: Mapping[str, object]) -> str:
    """Return ``template`` with ``arguments`` in their places, quoted so that they stay in them.

    Raises:
        AddressInvalid: one is missing, is no plain value, or would lead to another place of the path.
    """
    path, mark, query = template.partition("?")
    pieces = [_filled_part(part, arguments, is_path=True) for part in path.split("/")]
    return "/".join(pieces) + mark + _filled_part(query, arguments, is_path=False)


def filled_value(template: str, arguments: Mapping[str, object]) -> str:
    """Return ``template`` with ``arguments`` in their places, as they are. Raises AddressInvalid as ``filled``."""
    return PLACE.sub(lambda place: plain_text(place[1], arguments), template)


def plain_text(name: str, arguments: Mapping[str, object]) -> str:
    """Return the argument ``name`` as text. Raises AddressInvalid when it is missing or no plain value."""
    value = arguments.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise AddressInvalid(f"The argument {name!r} is missing, or no text or number.")


def _unquoted(text: str) -> str:
    """Return ``text`` as the most eager of servers would read it."""
    while (read := unquote(text)) != text:
        text = read
    return text


def _filled_part(part: str, arguments: Mapping[str, object], *, is_path: bool) -> str:
    names = places_in(part)
    if not names:
        return part
    for name in names:
        if is_path and not plain_text(name, arguments):
            raise AddressInvalid(f"The argument {name!r} is empty, which would change the path.")
    text = PLACE.sub(lambda place: quote(plain_text(place[1], arguments).encode("utf-8", "replace"), safe=""), part)
    # Dots are never quoted, and servers and proxies take such a segment for another folder, quoted slashes included.
    if is_path and any(piece in {".", ".."} for piece in re.split(r"[/\\]", _unquoted(text))):
        raise AddressInvalid("An argument would lead to another place of the path.")
    return text
