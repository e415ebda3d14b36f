"""Where requests may go that somebody else than the operator chose: to public addresses, looked up once and held on to.

Whoever checks a name and then connects to it by name is shown one address and led to another (DNS rebinding). So the
connection goes to the address that was checked, and the name stays what the certificate must be for.
"""

import asyncio
import contextlib
import ipaddress
import socket

import httpx2

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses of version 6 that carry one of version 4 which routers unpack.
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class AddressRefused(Exception):
    """``host`` has an address that may not be reached."""

    def __init__(self, host: str) -> None:
        super().__init__(f"The host {host!r} is at an address that may not be reached.")
        self.host = host


class HostUnknown(Exception):
    """The host has no address."""


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
            AddressRefused: the host has an address that may not be reached.
            HostUnknown: it has none.
        """
        host = request.url.raw_host.decode("ascii")
        port = _port(request.url)
        addresses = await _looked_up(host, port)
        if not is_listed(request.url, self._private_hosts) and not all(map(is_public, addresses)):
            raise AddressRefused(host)
        for address in addresses[:-1]:
            with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return await self._inner.handle_async_request(_pinned(request, host, address))
        return await self._inner.handle_async_request(_pinned(request, host, addresses[-1]))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def web_address(text: object) -> httpx2.URL | None:
    """Return the http or https address that ``text`` is; None when it is none, or one with a user name or password.

    A password in a URL would be written to logs by whoever logs requests.
    """
    try:
        url = httpx2.URL(text if isinstance(text, str) else "")
    except httpx2.InvalidURL:
        return None
    return url if url.scheme in {"http", "https"} and url.host and not url.userinfo else None


def is_listed(url: httpx2.URL, hosts: tuple[str, ...]) -> bool:
    """Return whether the host of ``url`` is one of ``hosts``, as ``host`` or as ``host:port``."""
    host = url.raw_host.decode("ascii")
    return host in hosts or f"{host}:{_port(url)}" in hosts


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


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


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
        raise HostUnknown(f"The host {host!r} is not known.") from None
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
