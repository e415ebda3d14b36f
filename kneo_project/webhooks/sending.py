"""Requests to the addresses of subscriptions: signed, to public hosts, never redirected, and never waited for long."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
from django.conf import settings

from kneo_project.net.addresses import AddressRefused, HostUnknown, PinnedTransport, is_listed, web_address
from kneo_project.net.retry_after import retry_after_seconds
from kneo_project.net.tls import trusted
from kneo_project.redaction import preview
from kneo_project.version import version
from kneo_project.webhooks.signing import SecretUnreadable, signed_headers, unsealed
from kneo_project.webhooks.verdicts import Answer

logger = logging.getLogger(__name__)
MOST_READ_BYTES = 4096
SHOWN_CHARS = 200


class NotAcceptable(Exception):
    """The address is not https, and the operator does not vouch for its host (any more)."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One attempt of one delivery: where to, what, and until when it is ours to make."""

    delivery_id: uuid.UUID
    url: str
    payload: dict[str, Any]
    sealed_secrets: tuple[str, ...]
    attempt: int
    claimed_until: datetime


def send_all(letters: Sequence[Letter]) -> Iterator[tuple[Letter, Answer]]:
    """Send ``letters`` at the same time, and yield each with its answer as soon as it is there."""
    with ThreadPoolExecutor(max_workers=max(1, len(letters)), thread_name_prefix="webhook") as pool:
        sent = {pool.submit(_send, letter): letter for letter in letters}
        for future in as_completed(sent):
            if error := future.exception():
                # Its claim lapses, and then it is tried again: no crash loop, no silence.
                logger.error("Delivery %s could not be made", sent[future].delivery_id, exc_info=error)
            else:
                yield sent[future], future.result()


def is_acceptable(url: httpx2.URL) -> bool:
    """Return whether deliveries may go to ``url``: by https, unless the operator vouches for its host."""
    return url.scheme == "https" or is_listed(url, settings.WEBHOOK_PRIVATE_HOSTS)


def _send(letter: Letter) -> Answer:
    return asyncio.run(_answer_to(letter))


async def _answer_to(letter: Letter) -> Answer:
    seconds = settings.WEBHOOK_TIMEOUT_SECONDS
    try:
        request = _request(letter)
        async with asyncio.timeout(seconds), _client() as client:
            return await _sent(client, request)
    except (TimeoutError, httpx2.TimeoutException):
        return Answer(error=f"The endpoint did not answer within {seconds:g} seconds.")
    except (AddressRefused, HostUnknown, NotAcceptable, SecretUnreadable) as error:
        return Answer(error=str(error))
    except httpx2.HTTPError:
        return Answer(error="The endpoint could not be reached, or its certificate is not valid.")


def _request(letter: Letter) -> httpx2.Request:
    url = web_address(letter.url)
    if url is None or not is_acceptable(url):
        raise NotAcceptable
    body = json.dumps(letter.payload, separators=(",", ":")).encode()
    secrets = [unsealed(each) for each in letter.sealed_secrets]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"kneo-serv/{version()}",
        "Accept-Encoding": "identity",
        **signed_headers(letter.delivery_id, int(time.time()), body, secrets),
    }
    return httpx2.Request("POST", url, headers=headers, content=body)


def _client() -> httpx2.AsyncClient:
    """Return a client without the proxies of the environment, which would look names up themselves."""
    inner = httpx2.AsyncHTTPTransport(verify=trusted())
    return httpx2.AsyncClient(
        transport=PinnedTransport(inner, settings.WEBHOOK_PRIVATE_HOSTS),
        trust_env=False,
        follow_redirects=False,
        timeout=settings.WEBHOOK_TIMEOUT_SECONDS,
    )


async def _sent(client: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
    response = await client.send(request, stream=True)
    try:
        if response.is_success:
            return Answer(status_code=response.status_code)
        excerpt = preview((await _beginning(response)).decode("utf-8", "replace").replace("\0", ""), SHOWN_CHARS)
    finally:
        await response.aclose()
    answered = f"The endpoint answered {response.status_code}"
    return Answer(
        status_code=response.status_code,
        error=f"{answered}: {excerpt}" if excerpt.strip() else f"{answered}.",
        retry_after_seconds=retry_after_seconds(response.headers.get("Retry-After"), now=datetime.now(UTC)),
    )


async def _beginning(response: httpx2.Response) -> bytes:
    """Return the first bytes of the body as they are: unpacking could make much of little."""
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) >= MOST_READ_BYTES:
            break
    return bytes(read[:MOST_READ_BYTES])
