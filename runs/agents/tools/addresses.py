"""Where an ``http`` tool may connect to: public addresses, looked up once and then held on to.

Whoever checks a name and then connects to it by name is shown one address and led to another (DNS rebinding). So the
connection goes to the address that was checked, and the name stays what the certificate must be for.
"""

import asyncio
import contextlib
import ipaddress
import socket

import httpx2

from runs.agents.errors import HttpToolFailed, ToolMiddlewareViolation

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses of version 6 that carry one of version 4 which routers unpack.
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to a checked address of their host.

    Args:
        inner: sends them there.
        private_hosts: hosts, as ``host`` or ``host:port``, which may be at any address.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, private_hosts: tuple[str, ...]) -> None:
        self._inner = inner
        self._private_hosts = private_hosts

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send ``request``.

        Raises:
            ToolMiddlewareViolation: the host has an address that may not be reached.
            HttpToolFailed: it has none.
        """
        host = request.url.raw_host.decode("ascii")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await _looked_up(host, port)
        if host not in self._private_hosts and f"{host}:{port}" not in self._private_hosts:
            for address in addresses:
                if not is_public(address):
                    raise ToolMiddlewareViolation(f"The host {host!r} is at an address that tools may not reach.")
        for address in addresses[:-1]:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._inner.handle_async_request(_pinned(request, host, address))
        return await self._inner.handle_async_request(_pinned(request, host, addresses[-1]))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def is_public(address: Address) -> bool:
    """Return whether ``address`` lies in the public network, whatever it is wrapped into."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and any(address in network for network in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if int(address) >> 32 == 0:  # ::a.b.c.d, which some still unpack
            return False
    return address.is_global and not address.is_multicast


def _pinned(request: httpx2.Request, host: str, address: Address) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


async def _looked_up(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HttpToolFailed(f"The host {host!r} is not known.") from None
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
