"""Whom this process believes over TLS."""

import ssl
from functools import cache

import httpx2


@cache
def trusted() -> ssl.SSLContext:
    """Reading the certificates costs 30 ms of CPU; a client of its own per call must not pay that each time."""
    return httpx2.create_ssl_context()
