"""Where a request comes from, and which addresses are this machine's own."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    # Only wraps the other, and the checks of settings must not load it.
    from rest_framework.request import Request

_LONGEST = 64
# What one subscriber is given: whoever has one IPv6 address has all of these.
_SUBSCRIBER_BITS = 64


def client_address(request: "HttpRequest | Request") -> str | None:
    """Return the peer; behind our own proxy, the address that the proxy saw: the last it forwards."""
    forwarded = request.headers.get("X-Forwarded-For") if settings.BEHIND_TLS_PROXY else None
    return forwarded.rpartition(",")[2].strip() if forwarded else request.META.get("REMOTE_ADDR")


def client_network(request: "HttpRequest | Request") -> str:
    """Return what to count a client by: its address, or the network that its IPv6 address was taken from."""
    text = client_address(request) or ""
    try:
        address = ip_address(text)
    except ValueError:
        return text[:_LONGEST]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address.packed, _SUBSCRIBER_BITS), strict=False))
    return str(address)


def is_loopback(host: str) -> bool:
    """Return whether a host name or an address leads to this machine."""
    name = host.strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
