"""Which hosts the arguments of a tool would reach, and whether they may be.

Arguments come from a model, and a model from whatever it was told to read. So a host is looked for in every text, in
all forms that some client would follow: inside sentences, percent-encoded, with odd slashes, as a number.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from urllib.parse import unquote

# A scheme followed by any number of slashes, or slashes alone where a word could begin.
ADDRESS = re.compile(
    r"(?:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:[/\\]{2,}|\b(?:https?|wss?|ftps?|gopher|sftp|ssh|git):[/\\]*|(?<![\w:/\\.])[/\\]{2,})"
    r"([^\s/\\?#\"'<>`|(){},;]+)",
    re.IGNORECASE,
)
# Clients drop these inside an address.
INVISIBLE = dict.fromkeys([9, 10, 13, 0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
MAX_DECODINGS = 3


def refused_host(arguments: object, *, allowed: Collection[str], denied: Collection[str]) -> str | None:
    """Return a host in ``arguments`` that must not be reached, or None.

    Args:
        arguments: any JSON value; keys count as well.
        allowed: domains that may be reached, with their subdomains; none allows all.
        denied: domains that must not, with their subdomains; they win.
    """
    if not allowed and not denied:
        return None
    refused = _refusal(allowed, denied)
    return next((host for host in hosts_in(arguments) if refused(host)), None)


def is_refused(host: str, *, allowed: Collection[str], denied: Collection[str]) -> bool:
    """Return whether ``host`` must not be reached; see ``refused_host``."""
    return _refusal(allowed, denied)(_normal(host))


def _refusal(allowed: Iterable[str], denied: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells of a host in its normal form whether it must not be reached."""
    allow, deny = [*map(_normal, allowed)], [*map(_normal, denied)]
    return lambda host: _is_within(host, deny) or (bool(allow) and not _is_within(host, allow))


def hosts_in(value: object) -> Iterator[str]:
    """Yield the hosts of all addresses in ``value``, in their normal form."""
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            yield from _hosts(part)
        elif isinstance(part, Mapping):
            pending += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            pending += part


def _hosts(text: str) -> Iterator[str]:
    for form in _forms(text):
        for found in ADDRESS.finditer(form):
            if host := _host(found[1]):
                yield host


def _forms(text: str) -> Iterator[str]:
    """Yield ``text`` as it would be read: normalised, without what clients drop, then decoded once, twice, …"""
    for _ in range(MAX_DECODINGS):
        normal = unicodedata.normalize("NFKC", text.translate(DOTS))
        yield normal
        yield normal.translate(INVISIBLE)
        decoded = unquote(normal)
        if decoded == normal:
            return
        text = decoded


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        return _normal(host[1:].partition("]")[0])
    return _normal(host.partition(":")[0])


def _normal(host: str) -> str:
    """Return ``host`` in the one form in which hosts are compared."""
    host = unicodedata.normalize("NFKC", host.translate(DOTS)).strip().strip(".").casefold()
    number = _address(host)
    if number is not None:
        return number
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _address(host: str) -> str | None:
    """Return the IP address that ``host`` is a form of: dotted, or as numbers of any base, as C libraries read it."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    parts = host.split(".")
    if len(parts) > 4 or not all(re.fullmatch(r"0x[0-9a-f]*|[0-9]+", part) for part in parts):
        return None
    try:
        *bytes_, last = [_number(part) for part in parts]
        packed = sum(byte << (8 * (3 - index)) for index, byte in enumerate(bytes_)) + last
        return str(ipaddress.IPv4Address(packed))
    except ValueError:
        return None


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text.startswith("0") and len(text) > 1 else int(text)


def _is_within(host: str, domains: Iterable[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains if domain)
